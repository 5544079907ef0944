"""A run is read to its end over lines that break in every way."""

import pytest
from tests.support.scripted_server import STREAM_HEAD, ScriptedServer, frame, json_answer, scripted

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ApiProblem
from riverrun.cli.event_fold import EventFold, sha256_of
from riverrun.cli.run_follower import AnswerDamaged, Backoff, RunFollower, RunOutOfReach

FRAMES = [
    frame("1-1", "queued"),
    frame("1-2", "text", text="one 🦊 "),
    frame("1-3", "text", text="two"),
    frame("1-4", "end", status="completed", text_sha256=sha256_of("one 🦊 two")),
]
NO_PAUSE = Backoff(first_seconds=0.0, patience_seconds=5.0)


def follow(server: ScriptedServer, **options: object) -> EventFold:
    with RiverrunClient(server.address) as client:
        follower = RunFollower(client, "r", backoff=NO_PAUSE, **options)  # type: ignore[arg-type]
        for _ in follower.events():
            pass
        return follower.fold


@pytest.mark.parametrize("cut", range(0, sum(map(len, FRAMES)) - 1, 7))
def test_a_stream_cut_at_any_byte_is_read_on_to_the_same_text(cut: int) -> None:
    whole = b"".join(FRAMES)
    complete = sum(cut >= len(b"".join(FRAMES[: n + 1])) for n in range(len(FRAMES)))
    with scripted(STREAM_HEAD + whole[:cut], STREAM_HEAD + b"".join(FRAMES[complete:])) as server:
        assert follow(server).text == "one 🦊 two"
        assert server.positions() == ["0-0", f"1-{complete}" if complete else "0-0"]


def test_a_server_that_says_reconnect_is_asked_again_with_the_position() -> None:
    lost: list[str] = []
    goodbye = b"event: reconnect\ndata: {}\n\n"
    with scripted(STREAM_HEAD + b"".join(FRAMES[:2]) + goodbye, STREAM_HEAD + b"".join(FRAMES[2:])) as server:
        assert follow(server, on_lost=lost.append).text == "one 🦊 two"
        assert server.positions() == ["0-0", "1-2"]
    assert lost == ["the server is restarting"]


def test_a_server_that_is_away_for_the_moment_is_asked_again() -> None:
    busy = json_answer(503, {"type": "about:blank", "title": "Database away", "status": 503, "detail": ""})
    with scripted(busy, busy, STREAM_HEAD + b"".join(FRAMES)) as server:
        assert follow(server).text == "one 🦊 two"


def test_broken_bytes_are_read_again_from_the_last_good_event() -> None:
    with scripted(
        STREAM_HEAD + FRAMES[0], STREAM_HEAD + FRAMES[1] + b"data: \xff\n\n", STREAM_HEAD + b"".join(FRAMES)
    ) as server:
        assert follow(server).text == "one 🦊 two"


def test_a_hole_in_the_events_is_read_again() -> None:
    with scripted(STREAM_HEAD + FRAMES[0] + FRAMES[2], STREAM_HEAD + b"".join(FRAMES[1:])) as server:
        assert follow(server).text == "one 🦊 two"


def test_a_text_that_is_not_what_was_sent_is_refused() -> None:
    damaged = frame("1-3", "text", text="TWO")
    with (
        scripted(STREAM_HEAD + FRAMES[0] + FRAMES[1] + damaged + FRAMES[3]) as server,
        pytest.raises(AnswerDamaged),
    ):
        follow(server)


def test_a_refusal_is_not_tried_again() -> None:
    gone = json_answer(404, {"type": "t", "title": "Not found", "status": 404, "detail": "no such run"})
    with scripted(gone) as server:
        with pytest.raises(ApiProblem, match="Not found: no such run"):
            follow(server)
        assert len(server.requests) == 1


def test_patience_ends_with_a_word_on_how_to_come_back() -> None:
    with scripted() as server:
        address = server.address
    with RiverrunClient(address) as client:
        follower = RunFollower(client, "r-1", backoff=Backoff(0.0, 0.0, patience_seconds=0.0))
        with pytest.raises(RunOutOfReach, match="riverrun runs r-1"):
            list(follower.events())


def test_leaving_a_stream_half_read_closes_its_socket() -> None:
    with scripted() as server, RiverrunClient(server.address) as client:
        with client.events("r", "0-0") as stream:
            events = iter(stream)
            assert next(events).type == "queued"
            assert not server.closed_by_client.is_set()
        assert server.closed_by_client.wait(10)


@pytest.mark.parametrize("failures", range(1, 40))
def test_pauses_grow_but_stay_within_their_bounds(failures: int) -> None:
    assert 0.1 <= Backoff().pause_seconds(failures) <= 5.0
