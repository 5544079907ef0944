from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from riverrun.infra.database import open_engine
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
