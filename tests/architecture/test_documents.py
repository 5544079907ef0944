"""What the documents name exists: links, make targets, commands, settings."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from riverrun.cli.app import COMMANDS
from riverrun.infra.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

NOT_SETTINGS = {
    "RIVERRUN_URL": "src/riverrun/cli/server_address.py",
    "RIVERRUN_TOKEN": "src/riverrun/cli/server_address.py",
    "RIVERRUN_REQUIRE_BROWSER": "tests/fixtures/browser_reports.py",
    "RIVERRUN_REQUIRE_PEERS": "tests/support/node_peers.py",
    "RIVERRUN_DEMO_DATA_DIR": "scripts/demo.py",
    "RIVERRUN_EVAL_SEARCH_ONLY": "tests/e2e/eval/__main__.py",
}
"""Variables that are no settings of the server, and the file that reads each."""

PROCESS_COMMANDS = {"api", "worker"}
"""Registered in ``riverrun.__main__`` itself."""


def variables_of_settings() -> set[str]:
    return {f"RIVERRUN_{name.upper()}" for name in Settings.model_fields}


def every_document(function: Any) -> Any:
    return pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))(function)


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """The names that headings get."""
    headings = re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@every_document
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.is_relative_to(ROOT), target
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


@every_document
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    code = re.findall(r"`[^`\n]*`", path.read_text()) + re.findall(r"```.*?```", path.read_text(), re.DOTALL)
    for target in re.findall(r"\bmake ([a-z-]+)", "\n".join(code)):
        assert target in targets, target


@every_document
def test_every_command_that_is_named_exists(path: Path) -> None:
    for command in re.findall(r"(?:`|^)riverrun ([a-z]+)", path.read_text(), re.M):
        assert command in COMMANDS.keys() | PROCESS_COMMANDS, command


@every_document
def test_every_variable_that_is_named_is_a_setting_or_listed(path: Path) -> None:
    named = set(re.findall(r"\bRIVERRUN_[A-Z_]+\b", path.read_text()))
    assert named <= variables_of_settings() | NOT_SETTINGS.keys()


@every_document
def test_every_file_of_ours_that_is_named_exists(path: Path) -> None:
    for name in re.findall(r"`((?:docs|scripts|src|tests)/[\w./-]+)`", path.read_text()):
        assert (ROOT / name).exists(), name


def test_the_listed_variables_are_read_where_the_list_says() -> None:
    for variable, reader in NOT_SETTINGS.items():
        assert variable in (ROOT / reader).read_text()
        assert variable not in variables_of_settings()


def test_the_table_of_settings_has_each_with_its_default() -> None:
    _, _, section = (ROOT / "docs" / "operations.md").read_text().partition("\n## Settings\n")
    table = section.partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(RIVERRUN_[A-Z_]+)` \| `?([^|`]+?)`? \|", table, re.M))
    expected = {
        f"RIVERRUN_{name.upper()}": shown(field.get_default(call_default_factory=True))
        for name, field in Settings.model_fields.items()
    }
    assert rows == expected


def test_the_example_of_an_environment_names_every_setting_with_its_default() -> None:
    lines = re.findall(r"^# (RIVERRUN_[A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M)
    given = {name: value for name, value in lines if value}
    assert {name for name, _ in lines} == variables_of_settings()
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        value = given.get(f"RIVERRUN_{name.upper()}")
        if value is not None and default not in (None, frozenset()):
            assert type(default)(parsed(value, default)) == default, name


def shown(default: object) -> str:
    """A default as the table spells it."""
    assert default is not PydanticUndefined
    if default is None or default == frozenset():
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return str(default).replace(str(Path.home()), "~")


def parsed(value: str, default: object) -> Any:
    if isinstance(default, bool):
        return value == "true"
    return Path(value).expanduser() if isinstance(default, Path) else value
