"""Ways in to accounts: linked providers, passwords, invitations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010_ways_in"
down_revision = "0009_accounts"
branch_labels = None
depends_on = None

AN_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    add_providers()
    op.create_table(
        "passwords",
        parent("user_id", "users.id", primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("changed_at", AN_INSTANT, nullable=False),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, unique=True, nullable=False),
        parent("organisation_id", "organisations.id", nullable=True),
        sa.Column("role", sa.Text),
        sa.Column("invited_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("created_at", AN_INSTANT, nullable=False),
        sa.Column("expires_at", AN_INSTANT, nullable=False),
        sa.Column("accepted_at", AN_INSTANT),
    )
    op.create_index("ix_invitations_email", "invitations", ["email"])


def downgrade() -> None:
    """Accounts stay; only links that the operator prints open them."""
    for table in ("invitations", "passwords", "pending_provider_links", "user_auth_providers"):
        op.drop_table(table)


def add_providers() -> None:
    op.create_table(
        "user_auth_providers",
        sa.Column("id", sa.Uuid, primary_key=True),
        parent("user_id", "users.id"),
        *identity(),
        sa.Column("is_primary", sa.Boolean, nullable=False),
        sa.Column("linked_at", AN_INSTANT, nullable=False),
        sa.Column("last_used_at", AN_INSTANT),
        sa.UniqueConstraint("user_id", "provider_type", name="uq_user_auth_providers_user_type"),
        sa.UniqueConstraint("provider_type", "provider_uid", name="uq_user_auth_providers_identity"),
    )
    op.create_index(
        "uq_user_auth_providers_primary",
        "user_auth_providers",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "pending_provider_links",
        sa.Column("id", sa.Uuid, primary_key=True),
        parent("user_id", "users.id"),
        *identity(),
        sa.Column("token_hash", sa.Text, unique=True, nullable=False),
        sa.Column("expires_at", AN_INSTANT, nullable=False),
    )
    op.create_index("ix_pending_provider_links_user_id", "pending_provider_links", ["user_id"])


def identity() -> tuple[sa.Column[object], ...]:
    """Who somebody is at a provider."""
    return (
        sa.Column("provider_type", sa.Text, nullable=False),
        sa.Column("provider_uid", sa.Text, nullable=False),
        sa.Column("provider_data", JSONB, nullable=False),
    )


def parent(name: str, target: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[object]:
    """A reference to a row with which this one goes."""
    key = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, sa.Uuid, key, primary_key=primary_key, nullable=nullable)
