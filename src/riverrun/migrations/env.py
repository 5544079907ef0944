"""Alembic's entry point: it runs the revisions on the connection that ``upgrade`` opened."""

from alembic import context

from riverrun.migrations.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
