"""The index is cheaper to write: a file's calls are one row, term frequencies are checked once, not row by row."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0007_index_speed"
down_revision = "0006_sessions_and_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    store_calls_by_file()
    free_frequencies_of_their_key()
    op.execute("ALTER TABLE chunks SET (toast_tuple_target = 8160)")  # Else a fifth of them is written twice.


def downgrade() -> None:
    op.execute("ALTER TABLE chunks RESET (toast_tuple_target)")
    bind_frequencies_by_their_key()
    store_calls_one_by_one()


def store_calls_by_file() -> None:
    """Files that are indexed already are indexed again, by their recipe."""
    op.drop_table("symbol_references")
    op.create_table(
        "file_calls",
        Column("file_id", BigInteger, primary_key=True, autoincrement=False),
        Column("project_id", Uuid, nullable=False),
        Column("keys", ARRAY(Integer), nullable=False),
        Column("names", ARRAY(Text), nullable=False),
        Column("callers", ARRAY(Text), nullable=False),
        Column("lines", ARRAY(Integer), nullable=False),
    )
    op.create_index("ix_file_calls_keys", "file_calls", ["keys"], postgresql_using="gin")
    delete_with_their_file("symbols", "file_calls", "chunks")


def store_calls_one_by_one() -> None:
    op.drop_table("file_calls")
    op.create_table(
        "symbol_references",
        Column("file_id", BigInteger, primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("project_id", Uuid, nullable=False),
        Column("name", Text, nullable=False),
        Column("caller", Text, nullable=False),
        Column("line", Integer, nullable=False),
    )
    op.create_index("ix_symbol_references_name", "symbol_references", ["project_id", "name"])
    delete_with_their_file("symbols", "symbol_references", "chunks")


def delete_with_their_file(*tables: str) -> None:
    """What the trigger on source_files does."""
    gone = "(ARRAY(SELECT id FROM gone))"
    deletes = " ".join(f"DELETE FROM {table} WHERE file_id = ANY {gone};" for table in tables)
    op.execute(
        "CREATE OR REPLACE FUNCTION delete_pieces_of_files() RETURNS trigger LANGUAGE plpgsql "
        f"SET enable_seqscan = off AS $$ BEGIN {deletes} RETURN NULL; END $$"
    )


def free_frequencies_of_their_key() -> None:
    op.drop_constraint("fk_term_frequencies_project_id_projects", "term_frequencies", type_="foreignkey")
    op.execute(
        "CREATE FUNCTION delete_terms_of_projects() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS "
        "$$ BEGIN DELETE FROM term_frequencies WHERE project_id = ANY (ARRAY(SELECT id FROM gone)); "
        "RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER delete_terms AFTER DELETE ON projects REFERENCING OLD TABLE AS gone "
        "FOR EACH STATEMENT EXECUTE FUNCTION delete_terms_of_projects()"
    )


def bind_frequencies_by_their_key() -> None:
    op.execute("DROP TRIGGER delete_terms ON projects")
    op.execute("DROP FUNCTION delete_terms_of_projects")
    op.create_foreign_key(
        "fk_term_frequencies_project_id_projects",
        "term_frequencies",
        "projects",
        ["project_id"],
        ["id"],
        ondelete="CASCADE",
    )
