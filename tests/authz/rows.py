"""The owner's rows that a cell asks about: one of everything, shared as the rules suppose, with a word only they contain."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, delete, insert, or_
from tests.authz.principals import People

from riverrun.auth import statements
from riverrun.auth.api_keys import ApiKey, api_key_hash, hint_of, new_api_key
from riverrun.auth.grants import Grant
from riverrun.auth.identity_links import PendingProviderLink, UserAuthProvider
from riverrun.auth.models import TokenKind
from riverrun.auth.passwords import Password
from riverrun.auth.tokens import new_token, token_hash
from riverrun.conversations.models import Conversation, Message
from riverrun.conversations.session_names import SessionName
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Blob, Project, SourceFile
from riverrun.runs import statements as run_statements
from riverrun.runs.models import Run
from riverrun.runs.tool_records import ToolResult
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event
from riverrun.usage.models import UsageEntry
from riverrun.users.invitations import Invitation
from riverrun.users.models import User
from riverrun.users.organisations import Organisation, OrganisationMember

CALL_ID = "call/1"
PATH = "src/secret.py"
BOTH_LINKS = {"link": False, "closed_link": True}


@dataclass
class Rows:
    """Ids and tokens of one set of rows. ``canary`` is a word that is in all of them and nowhere else."""

    canary: str = field(default_factory=lambda: f"canary{secrets.token_hex(6)}")
    project_id: UUID = field(default_factory=new_uuid)
    conversation_id: UUID = field(default_factory=new_uuid)
    question_id: UUID = field(default_factory=new_uuid)
    answer_id: UUID = field(default_factory=new_uuid)
    ended_run_id: UUID = field(default_factory=new_uuid)
    owners_run_id: UUID = field(default_factory=new_uuid)
    askers_run_id: UUID = field(default_factory=new_uuid)
    organisation_id: UUID = field(default_factory=new_uuid)
    bystander_id: UUID = field(default_factory=new_uuid)
    key_id: UUID = field(default_factory=new_uuid)
    session_id: UUID = field(default_factory=new_uuid)
    invitation_id: UUID = field(default_factory=new_uuid)
    task_id: UUID = field(default_factory=new_uuid)
    links: dict[str, str] = field(default_factory=lambda: {name: new_token() for name in BOTH_LINKS})
    link_ids: dict[str, UUID] = field(default_factory=lambda: {name: new_uuid() for name in BOTH_LINKS})
    linking_token: str = field(default_factory=new_token)
    spare_token: str = field(default_factory=new_token)
    one_time_token: str = field(default_factory=new_token)
    editor_token: str = field(default_factory=new_token)
    reset_token: str = field(default_factory=new_token)
    verification_token: str = field(default_factory=new_token)

    @property
    def session_name(self) -> str:
        """What the ended run is called in its conversation."""
        return f"session-{self.ended_run_id}"

    @property
    def provider(self) -> str:
        """A way in that the owner has, and nobody else."""
        return f"oidc_{self.key_id.hex}"

    @property
    def source(self) -> str:
        """The address of the project."""
        return f"https://git.example/none/{self.project_id}"

    def strangers_view(self) -> "Rows":
        """Ids of rows that never were, for the same request."""
        return Rows(canary=self.canary, links=self.links)


def plant(engine: Engine, people: People) -> Rows:
    """Make the rows."""
    rows = Rows()
    with engine.begin() as connection:
        _plant_project(connection, people, rows)
        _plant_conversation(connection, people, rows)
        _plant_organisation(connection, people, rows)
        _plant_grants(connection, people, rows)
        _plant_account(connection, people, rows)
    return rows


def _plant_project(connection: Connection, people: People, rows: Rows) -> None:
    owner = people.ids["owner"]
    project = {"id": rows.project_id, "user_id": owner, "repo_name": rows.canary, "source": rows.source}
    state = {"status": "ready", "branch_name": "", "files": 1, "symbols": 0}
    connection.execute(insert(Project).values(**project, **state, created_at=now(), indexed_at=now()))
    blob = {"project_id": rows.project_id, "sha": "1" * 40, "content": f"# {rows.canary}\n".encode()}
    connection.execute(insert(Blob).values(blob))
    file = {"project_id": rows.project_id, "path": PATH, "blob": "1" * 40, "status": "indexed"}
    connection.execute(insert(SourceFile).values(file))


def _plant_conversation(connection: Connection, people: People, rows: Rows) -> None:
    """One question that was answered, and two that wait: the owner's and the asker's."""
    owner, asker = people.ids["owner"], people.ids["asker"]
    connection.execute(
        insert(Conversation).values(
            id=rows.conversation_id,
            user_id=owner,
            title=rows.canary,
            project_ids=[rows.project_id],
            agent_ids=["codebase_qna_agent"],
        )
    )
    ended = {"status": "completed", "attempt": 1, "end_seq": 3, "started_at": now(), "ended_at": now()}
    _plant_run(connection, rows, rows.ended_run_id, owner, owner, **ended)
    _plant_run(connection, rows, rows.owners_run_id, owner, owner)
    _plant_run(connection, rows, rows.askers_run_id, asker, owner)
    events = [
        Event.create(Position(1, 1), "queued", {}),
        Event.create(Position(1, 2), "text", {"text": rows.canary}),
        Event.create(Position(1, 3), "end", {"status": "completed"}),
    ]
    connection.execute(run_statements.insert_events(rows.ended_run_id, events))
    for run_id in (rows.owners_run_id, rows.askers_run_id):
        connection.execute(run_statements.insert_events(run_id, events[:1]))
    told = {"conversation_id": rows.conversation_id, "turn": 1, "content": rows.canary}
    said = [
        {"id": rows.question_id, "type": "HUMAN", "sender_id": owner},
        {"id": rows.answer_id, "type": "AI_GENERATED", "sender_id": None},
    ]
    for one in said:
        connection.execute(insert(Message).values(**told, **one, run_id=rows.ended_run_id))
    result = {"run_id": rows.ended_run_id, "call_id": CALL_ID, "attempt": 1, "result": rows.canary}
    connection.execute(insert(ToolResult).values(result))
    name = {"conversation_id": rows.conversation_id, "session_id": rows.session_name}
    connection.execute(insert(SessionName).values(**name, run_id=rows.ended_run_id))
    entry = {"run_id": rows.ended_run_id, "user_id": owner, "organisation_ids": [], "kind": "answer"}
    counted = {"asked_on": now().date(), "reserved_tokens": 1, "tokens": 1, "state": "settled"}
    connection.execute(insert(UsageEntry).values(**entry, **counted, agent_id=rows.canary))


def _plant_run(
    connection: Connection, rows: Rows, run_id: UUID, user_id: UUID, owner_id: UUID, **state: Any
) -> None:
    about = {"kind": "answer", "subject_id": rows.conversation_id, "user_id": user_id, "owner_id": owner_id}
    payload = {"title": rows.canary, "question": rows.canary, "turn": 1, "local_mode": False}
    connection.execute(
        insert(Run).values(**{"status": "queued", **about, **state}, id=run_id, payload=payload)
    )


def _plant_organisation(connection: Connection, people: People, rows: Rows) -> None:
    connection.execute(insert(Organisation).values(id=rows.organisation_id, name=rows.canary))
    email = f"{rows.bystander_id}@example.org"
    bystander = {"id": rows.bystander_id, "email": email, "display_name": "B", "is_administrator": False}
    connection.execute(insert(User).values(**bystander, email_verified_at=now()))
    roles = {people.ids["owner"]: "owner", people.ids["colleague"]: "member", rows.bystander_id: "member"}
    for user_id, role in roles.items():
        place = {"organisation_id": rows.organisation_id, "user_id": user_id, "role": role}
        connection.execute(insert(OrganisationMember).values(place))


def _plant_grants(connection: Connection, people: People, rows: Rows) -> None:
    on_conversation: list[dict[str, Any]] = [
        {"email": people.email("viewer"), "right": "view"},
        {"email": people.email("asker"), "right": "ask"},
        {"email": people.email("outside_asker"), "right": "ask"},
        {"organisation_id": rows.organisation_id, "right": "view"},
    ]
    for name, requires_sign_in in BOTH_LINKS.items():
        link = {"id": rows.link_ids[name], "link_hash": token_hash(rows.links[name]), "right": "view"}
        on_conversation.append({**link, "requires_sign_in": requires_sign_in})
    on_project: list[dict[str, Any]] = [
        {"email": people.email("viewer"), "right": "view"},
        {"email": people.email("asker"), "right": "view"},
        {"organisation_id": rows.organisation_id, "right": "view"},
    ]
    for grant in on_conversation:
        connection.execute(insert(Grant).values(**grant, conversation_id=rows.conversation_id))
    for grant in on_project:
        connection.execute(insert(Grant).values(**grant, project_id=rows.project_id))


def _plant_account(connection: Connection, people: People, rows: Rows) -> None:
    """A key, a session, a second way in, and links that wait: each good for one use."""
    owner, hour = people.ids["owner"], timedelta(hours=1)
    key = new_api_key()
    row = {"id": rows.key_id, "user_id": owner, "name": rows.canary, "key_hash": api_key_hash(key)}
    connection.execute(insert(ApiKey).values(**row, hint=hint_of(key), scopes=["read"]))
    session = statements.insert_token(owner, TokenKind.SESSION, new_token(), lifetime=hour, name="browser")
    connection.execute(session.values(id=rows.session_id))
    for user_id, token, kind in (
        (rows.bystander_id, rows.spare_token, TokenKind.BEARER),
        (rows.bystander_id, rows.one_time_token, TokenKind.ONE_TIME),
        (rows.bystander_id, rows.editor_token, TokenKind.EDITOR),
        (rows.bystander_id, rows.reset_token, TokenKind.PASSWORD_RESET),
        (owner, rows.verification_token, TokenKind.EMAIL_VERIFICATION),
    ):
        connection.execute(statements.insert_token(user_id, kind, token, lifetime=hour))
    for provider_type in (rows.provider, f"{rows.provider}_spare"):
        provider = {"user_id": owner, "provider_type": provider_type, "provider_uid": rows.canary}
        connection.execute(insert(UserAuthProvider).values(**provider, is_primary=False))
    waiting = {"user_id": owner, "provider_type": f"{rows.provider}_waiting", "provider_uid": rows.canary}
    connection.execute(
        insert(PendingProviderLink).values(
            **waiting, token_hash=token_hash(rows.linking_token), expires_at=now() + hour
        )
    )
    into = {"organisation_id": rows.organisation_id, "role": "member"}
    invited = {"id": rows.invitation_id, "email": f"{rows.key_id}@example.org", **into}
    connection.execute(
        insert(Invitation).values(**invited, token_hash=token_hash(new_token()), expires_at=now() + hour)
    )
    connection.execute(Password.__table__.delete().where(Password.user_id.in_(people.ids.values())))


def uproot(engine: Engine, people: People, rows: Rows) -> None:
    """Take the rows away again, so that no list and no limit fills up over a thousand cells."""
    with engine.begin() as connection:
        runs = (rows.ended_run_id, rows.owners_run_id, rows.askers_run_id)
        connection.execute(delete(Run).where(or_(Run.id.in_(runs), Run.subject_id == rows.conversation_id)))
        for model, row_id in (
            (Conversation, rows.conversation_id),
            (Project, rows.project_id),
            (Organisation, rows.organisation_id),
            (ApiKey, rows.key_id),
            (Invitation, rows.invitation_id),
            (User, rows.bystander_id),
        ):
            connection.execute(delete(model).where(model.id == row_id))
        connection.execute(delete(UserAuthProvider).where(UserAuthProvider.user_id == people.ids["owner"]))
        connection.execute(delete(PendingProviderLink))
        connection.execute(delete(UsageEntry).where(UsageEntry.agent_id == rows.canary))
