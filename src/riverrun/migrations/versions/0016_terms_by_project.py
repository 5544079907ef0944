"""A search costs what the asking project has of its terms, not what all projects have, nor what the whole project has."""

import sqlalchemy as sa
from alembic import op

revision = "0016_terms_by_project"
down_revision = "0015_traceparent"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.drop_index("ix_chunks_terms", "chunks")
    op.create_index("ix_chunks_terms", "chunks", ["project_id", "terms"], postgresql_using="gin")
    op.drop_index("ix_chunks_project", "chunks")
    op.add_column("projects", sa.Column("chunks", sa.Integer, nullable=False, server_default=sa.text("0")))
    lengths: sa.Column[list[int]] = sa.Column(
        "label_lengths", sa.ARRAY(sa.BigInteger), nullable=False, server_default=sa.text("'{0,0,0,0}'")
    )
    op.add_column("projects", lengths)
    op.execute(
        "UPDATE projects SET chunks = found.chunks, label_lengths = ARRAY[a, b, c, d], "
        "symbols = (SELECT count(*) FROM symbols WHERE project_id = projects.id) "
        "FROM (SELECT project_id, count(*), sum(lengths[1]), sum(lengths[2]), sum(lengths[3]), sum(lengths[4]) "
        "FROM chunks GROUP BY project_id) AS found (project_id, chunks, a, b, c, d) WHERE projects.id = found.project_id"
    )


def downgrade() -> None:
    op.drop_column("projects", "label_lengths")
    op.drop_column("projects", "chunks")
    op.create_index("ix_chunks_project", "chunks", ["project_id"])
    op.drop_index("ix_chunks_terms", "chunks")
    op.create_index("ix_chunks_terms", "chunks", ["terms"], postgresql_using="gin")
    # The extension stays: it may have been there before.
