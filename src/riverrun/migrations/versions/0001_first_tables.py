"""The first tables: users and their tokens, projects and their index, conversations, runs."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACTIVE = sa.text("status IN ('queued', 'running')")
PIECES_OF_FILES = ("symbols", "symbol_references", "chunks")
TABLES_NEWEST_FIRST = (
    "term_frequencies",
    "chunks",
    "symbol_references",
    "symbols",
    "source_files",
    "blobs",
    "projects",
    "messages",
    "conversations",
    "outbox",
    "run_events",
    "runs",
    "access_tokens",
    "users",
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    create_users()
    create_runs()
    create_conversations()
    create_projects()
    create_index_of_projects()


def downgrade() -> None:
    for table in TABLES_NEWEST_FIRST:
        op.drop_table(table)
    op.execute("DROP FUNCTION delete_pieces_of_files")


def create_users() -> None:
    op.create_table(
        "users",
        key(),
        required("email", Text, unique=True),
        required("display_name", Text),
        required("is_administrator", sa.Boolean),
        moment("created_at", nullable=False),
        moment("last_login_at"),
    )
    op.create_table(
        "access_tokens",
        key(),
        belongs_to("users.id", "user_id"),
        required("kind", Text),
        required("token_hash", Text, unique=True),
        required("name", Text),
        moment("created_at", nullable=False),
        moment("expires_at"),
        moment("last_used_at"),
        moment("revoked_at"),
    )
    op.create_index("ix_access_tokens_user", "access_tokens", ["user_id"])


def create_runs() -> None:
    op.create_table(
        "runs",
        key(),
        belongs_to("users.id", "user_id"),
        required("kind", Text),
        required("subject_id", Uuid),
        required("payload", JSONB),
        Column("idempotency_key", Text),
        required("status", Text),
        required("attempt", Integer),
        Column("lease_owner", Text),
        moment("lease_until"),
        moment("stop_requested_at"),
        moment("created_at", nullable=False),
        moment("started_at"),
        moment("ended_at"),
        Column("end_seq", Integer),
        Column("error", JSONB),
        Column("result", JSONB),
    )
    op.create_index("uq_runs_active_subject", "runs", ["subject_id"], unique=True, postgresql_where=ACTIVE)
    op.create_index("uq_runs_idempotency", "runs", ["subject_id", "user_id", "idempotency_key"], unique=True)
    op.create_index("ix_runs_user_created", "runs", ["user_id", "created_at"])
    op.create_index("ix_runs_subject_created", "runs", ["subject_id", "created_at"])
    op.create_index("ix_runs_active", "runs", ["status"], postgresql_where=ACTIVE)
    op.create_table(
        "run_events",
        belongs_to("runs.id", "run_id", primary_key=True),
        Column("seq", Integer, primary_key=True, autoincrement=False),
        required("attempt", Integer),
        required("type", Text),
        required("data", Text),
        required("recorded_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp()),
    )
    op.create_table(
        "outbox",
        belongs_to("runs.id", "run_id", primary_key=True),
        required("task", Text),
        required("queue", Text),
        moment("created_at", nullable=False),
        moment("sent_at"),
    )


def create_conversations() -> None:
    op.create_table(
        "conversations",
        key(),
        belongs_to("users.id", "user_id"),
        required("title", Text),
        required("status", Text),
        required("project_ids", ARRAY(Uuid)),
        required("agent_ids", ARRAY(Text)),
        moment("created_at", nullable=False),
        moment("updated_at", nullable=False),
    )
    op.create_index("ix_conversations_user_updated", "conversations", ["user_id", "updated_at"])
    op.create_table(
        "messages",
        key(),
        belongs_to("conversations.id", "conversation_id"),
        Column("run_id", Uuid, ForeignKey("runs.id", ondelete="SET NULL")),
        required("type", Text),
        Column("sender_id", Uuid),
        required("content", Text),
        Column("thinking", Text),
        required("citations", JSONB),
        required("tool_calls", JSONB),
        Column("reason", Text),
        moment("created_at", nullable=False),
    )
    op.create_index("ix_messages_conversation", "messages", ["conversation_id", "created_at"])


def create_projects() -> None:
    op.create_table(
        "projects",
        key(),
        belongs_to("users.id", "user_id"),
        required("repo_name", Text),
        required("source", Text),
        required("branch_name", Text),
        Column("commit_id", Text),
        required("status", Text),
        Column("error", Text),
        required("files", Integer),
        required("symbols", Integer),
        moment("created_at", nullable=False),
        moment("indexed_at"),
    )
    op.create_index("uq_projects_source", "projects", ["user_id", "source", "branch_name"], unique=True)
    op.create_table(
        "blobs",
        belongs_to("projects.id", "project_id", primary_key=True),
        Column("sha", Text, primary_key=True),
        required("content", sa.LargeBinary),
    )
    # Compressing for the disk would cost a tenth of the time that indexing takes; so with chunks.terms below.
    op.execute("ALTER TABLE blobs ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "source_files",
        Column("id", BigInteger, Identity(), primary_key=True),
        belongs_to("projects.id", "project_id"),
        required("path", Text),
        required("blob", Text),
        Column("language", Text),
        required("lines", Integer),
        required("size", BigInteger),
        required("status", Text),
        Column("reason", Text),
        required("stamp", Text),
        required("recipe", sa.SmallInteger),
    )
    op.create_index("uq_source_files_path", "source_files", ["project_id", "path"], unique=True)


def create_index_of_projects() -> None:
    op.create_table(
        "symbols",
        *piece_of_file(),
        required("name", Text),
        required("qualified_name", Text),
        required("kind", Text),
        required("start_line", Integer),
        required("end_line", Integer),
        required("signature", Text),
        required("docstring", Text),
    )
    op.create_index("ix_symbols_file", "symbols", ["file_id"])
    op.create_index("ix_symbols_name", "symbols", ["project_id", "name"])
    trigrams = {"name": "gin_trgm_ops"}
    op.create_index("ix_symbols_trgm", "symbols", ["name"], postgresql_using="gin", postgresql_ops=trigrams)
    op.create_table(
        "symbol_references",
        Column("file_id", BigInteger, primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        required("project_id", Uuid),
        required("name", Text),
        required("caller", Text),
        required("line", Integer),
    )
    op.create_index("ix_symbol_references_name", "symbol_references", ["project_id", "name"])
    op.create_table(
        "chunks",
        *piece_of_file(),
        required("name", Text),
        required("kind", Text),
        required("start_line", Integer),
        required("end_line", Integer),
        required("terms", TSVECTOR),
        required("lengths", ARRAY(sa.SmallInteger), server_default=sa.text("'{0,0,0,0}'")),
    )
    op.execute("ALTER TABLE chunks ALTER COLUMN terms SET STORAGE EXTERNAL")
    op.create_index("ix_chunks_file", "chunks", ["file_id"])
    op.create_index("ix_chunks_project", "chunks", ["project_id"])
    op.create_index("ix_chunks_terms", "chunks", ["terms"], postgresql_using="gin")
    op.create_table(
        "term_frequencies",
        belongs_to("projects.id", "project_id", primary_key=True),
        Column("term", Text, primary_key=True),
        required("chunks", Integer),
    )
    take_pieces_away_with_their_file()


def take_pieces_away_with_their_file() -> None:
    """What a foreign key would do, once a statement instead of once a row; also when a whole project goes."""
    # By index, also in a session that planned this while the tables were empty.
    gone = "(ARRAY(SELECT id FROM gone))"
    deletes = " ".join(f"DELETE FROM {table} WHERE file_id = ANY {gone};" for table in PIECES_OF_FILES)
    op.execute(
        "CREATE FUNCTION delete_pieces_of_files() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS "
        f"$$ BEGIN {deletes} RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER delete_pieces AFTER DELETE ON source_files REFERENCING OLD TABLE AS gone "
        "FOR EACH STATEMENT EXECUTE FUNCTION delete_pieces_of_files()"
    )


def key() -> Column[Any]:
    return Column("id", Uuid, primary_key=True)


def belongs_to(parent: str, name: str, *, primary_key: bool = False) -> Column[Any]:
    """A row that goes when its parent goes."""
    return Column(name, Uuid, ForeignKey(parent, ondelete="CASCADE"), primary_key=primary_key, nullable=False)


def piece_of_file() -> tuple[Column[Any], ...]:
    return (
        Column("id", BigInteger, Identity(), primary_key=True),
        required("project_id", Uuid),
        required("file_id", BigInteger),
    )


def required(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], **options: Any) -> Column[Any]:
    return Column(name, type_, nullable=False, **options)


def moment(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, sa.DateTime(timezone=True), nullable=nullable)
