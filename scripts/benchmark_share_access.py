"""The plan's step 2c: sharing a conversation, asking whom it is shared with, and taking access back, each in one of its own.

``CONVERSATION_ID`` names a conversation of the account whose token is used, on a running server.
"""

import sys
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from bench.harness import main
from bench.questions import fresh_conversations, in_turn
from bench.report import Report
from bench.scenario import EACH, Scenario, has_fields
from bench.site import Site

NAME = "share_access"
READER = "reader@example.org"
STRANGER = "stranger@example.org"
NOBODYS_PROJECT = UUID(int=1)


def prepare(site: Site) -> Mapping[str, str]:
    """Nothing: a conversation's repository may be gone, since sharing does not look at it."""
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """Each may be repeated: the same reader is named again, and nobody is taken away who is in.

    What is asked of Postgres for a removal is the same whether somebody was in or not. In one conversation all would wait for
    its row.
    """

    def conversations(count: int) -> Sequence[str]:
        return in_turn(names, count) if site is None else fresh_conversations(site, NOBODYS_PROJECT, count)

    conversation = f"/api/v1/conversations/{EACH}"
    share = orjson.dumps({"conversation_id": EACH, "recipientEmails": [READER]})
    removal = orjson.dumps({"emails": [STRANGER]})
    none_was_in = has_fields("type", "detail")
    return (
        Scenario(
            "share",
            "/api/v1/conversations/share",
            has_fields("sharedID"),
            "POST",
            share,
            status=201,
            each=conversations,
        ),
        Scenario(
            "shared-emails",
            f"{conversation}/shared-emails",
            lambda emails: set(emails) <= {READER},
            each=conversations,
        ),
        Scenario(
            "remove-access",
            f"{conversation}/access",
            none_was_in,
            "DELETE",
            removal,
            status=400,
            each=conversations,
        ),
    )


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
