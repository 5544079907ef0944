"""Which tables this release's code needs, and what there is to say of a database that has others.

The revision is written down here because the API imports no Alembic; a test compares it with the newest migration.
Every command imports this, so it imports no SQLAlchemy.
"""

SCHEMA_REVISION = "0016_terms_by_project"


class MisfitTables(RuntimeError):
    """The tables are not those of this release; the message says what to do."""


def require_fitting(revision: str | None) -> None:
    """Raise ``MisfitTables`` unless the database is at this release's revision, neither before nor behind it.

    A newer one does not fit either: migrations are written for the code that comes with them, and what older code stores
    beside it may be refused, or be taken and leave counts wrong.
    """
    if revision == SCHEMA_REVISION:
        return
    if revision is None:
        raise MisfitTables("the database has no tables yet: run riverrun migrate")
    if revision < SCHEMA_REVISION:
        raise MisfitTables(f"the tables are of an older release (revision {revision}): run riverrun migrate")
    raise newer_tables(revision)


def require_utf8(encoding: str) -> None:
    """Raise ``MisfitTables`` for a database that cannot hold every text; ``encoding`` as ``SHOW server_encoding`` has it."""
    if encoding != "UTF8":
        raise MisfitTables(
            f"the database's encoding is {encoding}, which cannot hold every text: create one with ENCODING 'UTF8' "
            "TEMPLATE template0"
        )


def newer_tables(revision: str) -> MisfitTables:
    """The error for a revision that this release does not know."""
    return MisfitTables(f"the tables are of a newer release (revision {revision}): install that one")
