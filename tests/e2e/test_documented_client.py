"""The client in docs/streaming.md is code that works."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.fault_proxy import FaultProxy
from tests.support.reading import ask, read_all, text_of

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack

PAGE = Path(__file__).parents[2] / "docs" / "streaming.md"


@pytest.fixture
def documented() -> dict[str, Any]:
    """What the page's one Python block defines."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_it_reads_an_answer_whole_although_its_line_is_cut_three_times(
    documented: dict[str, Any], stack: Stack, client: RiverrunClient, project_id: str
) -> None:
    run_id = ask(client, project_id, "Where are background tasks run after a response was sent?")
    take = documented["Run"].take
    connections = []
    connect = documented["connect"]
    with FaultProxy(int(stack.base_url.rpartition(":")[2])) as proxy:

        def take_and_cut(run: Any, kind: str, data: dict[str, Any], event_id: str | None) -> None:
            take(run, kind, data, event_id)
            if data["seq"] in (3, 9, 15):
                proxy.cut()
                proxy.mend()
                raise ConnectionResetError

        def counted(*arguments: str) -> Any:
            connections.append(arguments[-1])
            return connect(*arguments)

        documented["Run"].take = take_and_cut
        documented["connect"] = counted
        text = documented["read_answer"](f"http://127.0.0.1:{proxy.port}", stack.token, run_id)
    whole = read_all(client, run_id)
    assert whole[-1].data["status"] == "completed", whole[-1].data
    assert connections == ["0-0", "1-3", "1-9", "1-15"], text
    assert text == text_of(whole)


def test_it_drops_what_a_new_attempt_does_not_keep(documented: dict[str, Any]) -> None:
    run = documented["Run"]()
    for seq, kind, more in ((1, "queued", {}), (2, "started", {}), (3, "text", {"text": "lost"})):
        run.take(kind, {"seq": seq, "attempt": 1, **more}, f"1-{seq}")
    run.take("attempt", {"seq": 2, "attempt": 2, "keeps_seq": 1}, "2-2")
    run.take("text", {"seq": 3, "attempt": 2, "text": "kept"}, "2-3")
    assert (run.text, run.position) == ("kept", "2-3")


def test_it_goes_on_from_a_reset_and_starts_again_when_a_part_of_it_is_taken_back(
    documented: dict[str, Any],
) -> None:
    run = documented["Run"]()
    reset = {"seq": 40, "attempt": 2, "snapshot": {"text": "so far"}, "position": "2-40"}
    run.take("reset", reset, "2-40")
    run.take("text", {"seq": 41, "attempt": 2, "text": ", so good"}, "2-41")
    assert (run.text, run.position) == ("so far, so good", "2-41")
    with pytest.raises(ValueError, match="taken back"):
        run.take("attempt", {"seq": 2, "attempt": 3, "keeps_seq": 1}, "3-2")
    assert (run.text, run.position) == ("", "0-0")
