"""No route of the API makes a blocking call on the event loop: driven as a process, watched call by call (``make proof``)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.proofs.loop.loop_notes import BlockingCall, LoopNotes
from tests.proofs.loop.loop_verdict import Verdict
from tests.proofs.loop.planting import REAL_ROUTE
from tests.proofs.loop_proof import NOTES_NAME, STREAMS, prove, say
from tests.support.oidc_peers import OidcPeer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROUTE = "GET /api/v1/runs"
A_CALL = BlockingCall("time.sleep", ROUTE, "src/riverrun/somewhere.py:1 in sleep_in_secret", ())
A_STALL = {"blocked_time_ms": 300.0, "method": "GET", "endpoint": "/api/v1/runs", "line": A_CALL.line}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def verdict(folder: Path, starlette_source: Path, request: pytest.FixtureRequest) -> Verdict:
    return prove(folder, starlette_source, peer_if_there_is_one(request))


def peer_if_there_is_one(request: pytest.FixtureRequest) -> OidcPeer | None:
    try:
        peer: OidcPeer = request.getfixturevalue("first_peer")
    except pytest.skip.Exception:
        return None
    return peer


def test_every_route_succeeds_and_refuses_without_one_blocking_call(verdict: Verdict) -> None:
    assert verdict.faults() == []
    assert len(verdict.notes.routes) > 100


def test_every_planted_blocking_call_is_named_with_its_route(verdict: Verdict) -> None:
    assert {name for name, caught in verdict.planted.items() if not caught} == set()
    assert len(verdict.planted) >= 10


def test_hundreds_of_streams_cost_no_thread(verdict: Verdict) -> None:
    assert verdict.census.streams == STREAMS
    assert not verdict.census.grew, verdict.census


def test_a_real_route_of_the_process_that_was_made_to_block_fails_the_proof(
    verdict: Verdict, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = replace(verdict, notes=LoopNotes.read(folder / NOTES_NAME))
    assert say(verdict) == 0
    assert say(later) == 1
    assert (
        f"a blocking call: time.sleep in {REAL_ROUTE} at tests/support/loop_guard/" in capsys.readouterr().out
    )


def without(
    route: str, keeps: Callable[[int], bool] = lambda status: False
) -> Callable[[LoopNotes], LoopNotes]:
    """Notes of a tour on which this route was not answered so."""

    def change(notes: LoopNotes) -> LoopNotes:
        kept = [status for status in notes.answers[route] if keeps(status)]
        others = {name: answers for name, answers in notes.answers.items() if name != route}
        return replace(notes, answers=others | ({route: kept} if kept else {}))

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda notes: replace(notes, blocking_calls=[A_CALL]), f"a blocking call: {A_CALL}"),
        (without(ROUTE), f"nobody drives {ROUTE}"),
        (without(ROUTE, lambda status: status >= 400), f"never succeeded: {ROUTE}"),
        (without(ROUTE, lambda status: status < 400), f"never refused: {ROUTE}"),
        (
            lambda notes: replace(notes, answers={**notes.answers, ROUTE: [200, 401, 500]}),
            f"a server's error: {ROUTE}",
        ),
        (
            lambda notes: replace(notes, socket_events=frozenset({"/workspace read"})),
            "no tour knows how to drive the socket event /workspace read",
        ),
    ],
)
def test_what_must_not_be_fails_the_proof(
    verdict: Verdict, change: Callable[[LoopNotes], LoopNotes], fault: str
) -> None:
    assert fault in replace(verdict, notes=change(verdict.notes)).faults()


def test_a_stall_fails_the_proof_and_so_does_a_plant_that_nobody_named(verdict: Verdict) -> None:
    worse = replace(verdict, stalls=[A_STALL], planted={**verdict.planted, ROUTE: False})
    assert f"a stall of 300 ms: {ROUTE} at {A_CALL.line}" in worse.faults()
    assert f"nobody named what was planted: {ROUTE}" in worse.faults()
    assert "blocking_calls=1 " in str(worse)
