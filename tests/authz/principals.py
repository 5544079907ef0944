"""The principals of the matrix: their accounts, and what each sends along to say who it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine, insert, update

from riverrun.auth import statements
from riverrun.auth.api_keys import ApiKey, api_key_hash, hint_of, new_api_key
from riverrun.auth.dependencies import LINK_HEADER, SESSION_COOKIE
from riverrun.auth.models import TokenKind
from riverrun.auth.sign_in import issue_bearer_token
from riverrun.auth.tokens import new_token
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.users.models import User

WITH_ACCOUNTS = ("owner", "viewer", "asker", "outside_asker", "colleague", "stranger", "administrator")
BOTH_SCOPES = ("read", "write")
ALL_SCOPES = (*BOTH_SCOPES, "administer")


@dataclass(frozen=True)
class People:
    """Who there is. ``doors`` are the headers of each account at ``v1`` and ``v2``; others send one thing everywhere."""

    ids: Mapping[str, UUID]
    doors: Mapping[str, Mapping[str, Mapping[str, str]]]
    elsewhere: Mapping[str, Mapping[str, str]]

    def headers(self, principal: str, version: str, links: Mapping[str, str], origin: str) -> dict[str, str]:
        """What the principal sends; ``links`` are the share links' tokens of the rows that are asked about."""
        if principal in self.doors:
            return dict(self.doors[principal]["v2" if version == "v2" else "v1"])
        if principal in links:
            return {LINK_HEADER: links[principal]}
        return {**self.elsewhere[principal], "origin": origin.rstrip("/")}

    def email(self, principal: str) -> str:
        """The address of one with an account."""
        return f"{principal}@example.org"


def make_people(engine: Engine) -> People:
    """Accounts with verified addresses, a bearer token and a key each; and the owner's dead and weak doors."""
    ids = {name: _account(engine, name) for name in WITH_ACCOUNTS}
    doors = {name: _doors(engine, user_id) for name, user_id in ids.items()}
    revoked, weak = new_api_key(), new_api_key()
    _store_key(engine, ids["owner"], revoked, BOTH_SCOPES)
    with engine.begin() as connection:
        connection.execute(
            update(ApiKey).where(ApiKey.key_hash == api_key_hash(revoked)).values(revoked_at=now())
        )
    _store_key(engine, ids["owner"], weak, ("read",))
    elsewhere = {
        "anonymous": {},
        "revoked_key": {"x-api-key": revoked},
        "read_key": {"x-api-key": weak},
        "expired_session": {"cookie": f"{SESSION_COOKIE}={_expired_session(engine, ids['owner'])}"},
    }
    return People(ids, doors, elsewhere)


def _account(engine: Engine, name: str) -> UUID:
    user_id = new_uuid()
    values = {"id": user_id, "email": f"{name}@example.org", "email_verified_at": now(), "display_name": name}
    with engine.begin() as connection:
        connection.execute(insert(User).values(**values, is_administrator=name == "administrator"))
    return user_id


def _doors(engine: Engine, user_id: UUID) -> dict[str, dict[str, str]]:
    key = new_api_key()
    _store_key(engine, user_id, key, ALL_SCOPES)
    bearer = {"authorization": f"Bearer {issue_bearer_token(engine, user_id, 'matrix')}"}
    return {"v1": bearer, "v2": {"x-api-key": key}}


def _store_key(engine: Engine, user_id: UUID, key: str, scopes: tuple[str, ...]) -> None:
    row = {"user_id": user_id, "name": "k", "key_hash": api_key_hash(key), "hint": hint_of(key)}
    with engine.begin() as connection:
        connection.execute(insert(ApiKey).values(**row, scopes=list(scopes)))


def _expired_session(engine: Engine, user_id: UUID) -> str:
    token = new_token()
    with engine.begin() as connection:
        connection.execute(
            statements.insert_token(user_id, TokenKind.SESSION, token, lifetime=timedelta(hours=-1))
        )
    return token
