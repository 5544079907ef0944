import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, make_url
from tests.conftest import execute
from tests.support.revisions import NEWER, set_revision

from riverrun.infra.database import open_engine
from riverrun.infra.schema_revision import SCHEMA_REVISION, MisfitTables
from riverrun.migrations import current_revision, newest_revision, upgrade
from riverrun.migrations.tables import metadata
from riverrun.migrations.upgrade import configuration


def test_the_migrated_schema_is_the_models_schema(database_url):
    engine = open_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_constraints_carry_the_names_that_the_models_give_them(database_url):
    engine = open_engine(database_url)
    found, expected = inspect(engine), inspect_models()
    names = {table: constraint_names(found, table) for table in metadata.tables}
    engine.dispose()
    assert names == expected


def test_a_second_upgrade_changes_nothing(database_url):
    upgrade(database_url)
    assert current_revision(database_url) == newest_revision()


def test_an_empty_database_has_no_revision_and_gets_the_newest(empty_database_url):
    assert current_revision(empty_database_url) is None
    upgrade(empty_database_url)
    assert current_revision(empty_database_url) == newest_revision()


def test_tables_of_a_newer_release_are_told_as_such_and_left_as_they_are(database_url):
    set_revision(database_url, NEWER)
    with pytest.raises(MisfitTables, match=f"newer release .revision {NEWER}.: install that one"):
        upgrade(database_url)
    assert current_revision(database_url) == NEWER


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def narrow_database_url(request, servers, empty_database_url):
    """A database that cannot hold every text."""
    name = make_url(empty_database_url).database
    execute(servers.database_url, f"DROP DATABASE {name}")
    execute(
        servers.database_url,
        f"CREATE DATABASE {name} ENCODING '{request.param}' LOCALE 'C' TEMPLATE template0",
    )
    return empty_database_url


def test_a_database_that_cannot_hold_every_text_is_refused(narrow_database_url):
    with pytest.raises(MisfitTables, match="create one with ENCODING 'UTF8'"):
        upgrade(narrow_database_url)
    assert current_revision(narrow_database_url) is None


def test_the_code_asks_for_the_newest_revision():
    """``SCHEMA_REVISION`` is written down a second time for the API, which reads no scripts."""
    assert newest_revision() == SCHEMA_REVISION


def test_revisions_are_in_their_order_by_name():
    """So an older one is told from a newer one without the scripts."""
    names = [script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()]
    assert names == sorted(names, reverse=True)


def test_all_revisions_can_be_taken_back(database_url):
    engine = open_engine(database_url)
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()


def constraint_names(found, table):
    foreign = {key["name"] for key in found.get_foreign_keys(table)}
    unique = {constraint["name"] for constraint in found.get_unique_constraints(table)}
    checks = {check["name"] for check in found.get_check_constraints(table)}
    return foreign | unique | checks | {found.get_pk_constraint(table)["name"]}


def inspect_models():
    return {
        name: {str(constraint.name) for constraint in table.constraints}
        for name, table in metadata.tables.items()
    }
