"""The list of keys: what is needed to revoke one is there, whatever the terminal's width."""

from io import StringIO
from uuid import uuid4

import pytest
from rich.console import Console

from riverrun.cli.keys import _table


@pytest.mark.parametrize("width", [50, 80, 200])
def test_an_id_is_shown_whole(width: int) -> None:
    key_id = str(uuid4())
    key = {
        "id": key_id,
        "name": "the nightly job of the other team",
        "hint": "sk-250f9",
        "scopes": ["read", "write"],
        "created_at": "2026-11-24T13:20:18.123456Z",
        "last_used_at": None,
    }
    shown = StringIO()
    Console(file=shown, width=width).print(_table([key]))
    assert key_id in shown.getvalue()
