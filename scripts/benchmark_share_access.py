"""The plan's step 2c: sharing a conversation, asking whom it is shared with, and taking access back.

``CONVERSATION_ID`` names a conversation of the account whose token is used, on a running server.
"""

import sys
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy.orm import Session

from bench.harness import main
from bench.report import Report
from bench.scenario import Scenario, has_fields
from bench.site import Site
from riverrun.conversations.models import Conversation
from riverrun.kit.ids import new_uuid

NAME = "share_access"
READER = "reader@example.org"
STRANGER = "stranger@example.org"


def prepare(site: Site) -> Mapping[str, str]:
    """A conversation, whose repository is gone: sharing does not look at it."""
    conversation = Conversation(
        id=new_uuid(), user_id=site.user_id, title="shared", project_ids=[new_uuid()], agent_ids=[]
    )
    with Session(site.engine) as session, session.begin():
        session.add(conversation)
        return {"CONVERSATION_ID": str(conversation.id)}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """Each may be repeated: the same reader is named again, and nobody is taken away who is in.

    What is asked of Postgres for a removal is the same whether somebody was in or not.
    """
    conversation_id = names["CONVERSATION_ID"]
    conversation = f"/api/v1/conversations/{conversation_id}"
    share = orjson.dumps({"conversation_id": conversation_id, "recipientEmails": [READER]})
    removal = orjson.dumps({"emails": [STRANGER]})
    none_was_in = has_fields("type", "detail")
    return (
        Scenario("share", "/api/v1/conversations/share", has_fields("sharedID"), "POST", share, status=201),
        Scenario("shared-emails", f"{conversation}/shared-emails", lambda emails: set(emails) <= {READER}),
        Scenario("remove-access", f"{conversation}/access", none_was_in, "DELETE", removal, status=400),
    )


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
