"""The database's schema, revision by revision, and the one call that brings a database to the newest."""

from riverrun.migrations.upgrade import current_revision, newest_revision, upgrade

__all__ = ["current_revision", "newest_revision", "upgrade"]
