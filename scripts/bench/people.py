"""People who sign in by the fake identity provider outside; their accounts are there already."""

import itertools
from collections.abc import Sequence

from sqlalchemy.orm import Session

from bench.scenario import Words
from bench.site import FIREBASE_PROJECT, Site
from bench.slow_outside import id_token_of
from riverrun.auth.firebase_provider import FIREBASE
from riverrun.auth.identity_links import UserAuthProvider
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.users.models import User

COUNT = 200
"""More than ask at once, so that nobody waits for the lock of their own row."""


def make_people(site: Site) -> Sequence[str]:
    """Their addresses, which are their names outside as well."""
    people = [
        User(
            id=new_uuid(),
            email=f"{new_uuid()}@example.org",
            display_name="Somebody",
            email_verified_at=now(),
        )
        for _ in range(COUNT)
    ]
    emails = [person.email for person in people]
    with Session(site.engine) as session, session.begin():
        session.add_all(people)
        session.flush()
        session.add_all(
            UserAuthProvider(
                user_id=person.id, provider_type=FIREBASE, provider_uid=person.email, is_primary=True
            )
            for person in people
        )
    return emails


def in_turns(emails: Sequence[str]) -> Words:
    """One after the other, and from the beginning again."""
    line = itertools.cycle(emails)
    return lambda count: list(itertools.islice(line, count))


def fresh_id_tokens(emails: Sequence[str]) -> Words:
    """Tokens of theirs, each good for one sign-in."""
    line = itertools.cycle(emails)
    return lambda count: [id_token_of(email, FIREBASE_PROJECT) for email in itertools.islice(line, count)]


def new_addresses(count: int) -> Sequence[str]:
    """Of people who have no account."""
    return [f"{new_uuid()}@example.org" for _ in range(count)]
