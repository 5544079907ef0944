"""Verified addresses, organisations, grants, and runs that belong to whoever owns what they work on."""

import sqlalchemy as sa
from alembic import op

revision = "0009_accounts"
down_revision = "0008_names_without_trigrams"
branch_labels = None
depends_on = None

AN_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("email_verified_at", AN_INSTANT))
    op.add_column("users", sa.Column("disabled_at", AN_INSTANT))
    op.execute("UPDATE users SET email_verified_at = created_at WHERE is_administrator")
    add_organisations()
    add_grants()
    op.create_table(
        "revocations",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("token_id", sa.Uuid),
        sa.Column("user_id", sa.Uuid),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("revoked_at", AN_INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
    )
    op.create_index("ix_revocations_revoked_at", "revocations", ["revoked_at"])
    op.add_column("runs", parent("owner_id", "users.id", nullable=True))
    op.execute("UPDATE runs SET owner_id = user_id")
    op.alter_column("runs", "owner_id", nullable=False)
    op.create_index("ix_runs_owner_created", "runs", ["owner_id", "created_at"])
    op.drop_index("ix_runs_user_created", "runs")


def downgrade() -> None:
    """What was shared is private again."""
    op.create_index("ix_runs_user_created", "runs", ["user_id", "created_at"])
    op.drop_index("ix_runs_owner_created", "runs")
    op.drop_column("runs", "owner_id")
    for table in ("revocations", "grants", "organisation_members", "organisations"):
        op.drop_table(table)
    op.drop_column("users", "disabled_at")
    op.drop_column("users", "email_verified_at")


def add_organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", AN_INSTANT, nullable=False),
    )
    op.create_table(
        "organisation_members",
        parent("organisation_id", "organisations.id", primary_key=True),
        parent("user_id", "users.id", primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("joined_at", AN_INSTANT, nullable=False),
    )
    op.create_index("ix_organisation_members_user", "organisation_members", ["user_id"])


def add_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid, primary_key=True),
        parent("conversation_id", "conversations.id", nullable=True),
        parent("project_id", "projects.id", nullable=True),
        sa.Column(
            "subject_id",
            sa.Uuid,
            sa.Computed("coalesce(conversation_id, project_id)", persisted=True),
            nullable=False,
        ),
        sa.Column("email", sa.Text),
        parent("organisation_id", "organisations.id", nullable=True),
        sa.Column("link_hash", sa.Text, unique=True),
        sa.Column("requires_sign_in", sa.Boolean, nullable=False),
        sa.Column("right", sa.Text, nullable=False),
        sa.Column("expires_at", AN_INSTANT),
        sa.Column("created_at", AN_INSTANT, nullable=False),
        sa.CheckConstraint("num_nonnulls(conversation_id, project_id) = 1", name="one_subject"),
        sa.CheckConstraint("num_nonnulls(email, organisation_id, link_hash) = 1", name="one_grantee"),
    )
    op.create_index("uq_grants_email", "grants", ["subject_id", "email"], unique=True)
    op.create_index("uq_grants_organisation", "grants", ["subject_id", "organisation_id"], unique=True)
    op.create_index("ix_grants_email", "grants", ["email"])
    op.create_index("ix_grants_organisation", "grants", ["organisation_id"])


def parent(name: str, target: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[object]:
    """A reference to a row with which this one goes."""
    key = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, sa.Uuid, key, primary_key=primary_key, nullable=nullable)
