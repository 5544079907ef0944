"""A path's terms are stored once a file, not once a chunk; files that are indexed already are indexed again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0014_paths_once"
down_revision = "0013_spent_id_tokens"
branch_labels = None
depends_on = None

WRITTEN_ONCE = ("symbols", "file_calls")


def upgrade() -> None:
    op.add_column(
        "source_files", sa.Column("path_terms", TSVECTOR, nullable=False, server_default=sa.text("''"))
    )
    op.create_index(
        "ix_source_files_path_terms",
        "source_files",
        ["path_terms"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},  # A handful of terms a file: nothing is worth waiting with.
    )
    for table in WRITTEN_ONCE:  # As with chunks: else long docstrings are compressed and written aside.
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = 8160)")


def downgrade() -> None:
    for table in WRITTEN_ONCE:
        op.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")
    op.drop_index("ix_source_files_path_terms", "source_files")
    op.drop_column("source_files", "path_terms")
    # What was indexed meanwhile has its path nowhere now: it is indexed again, under whichever release.
    op.execute("UPDATE source_files SET recipe = 0, stamp = '' WHERE recipe >= 3")
