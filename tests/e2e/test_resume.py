"""Whoever reconnects gets exactly the rest, whenever and wherever the line was cut."""

import random

import httpx2
import pytest
import redis
from tests.support.reading import ask, assert_whole, read_all, read_some, text_of

from riverrun.cli.client import RiverrunClient
from riverrun.cli.event_fold import RunEvent
from riverrun.cli.stack import Stack

QUESTION = "Where are background tasks run after a response was sent?"


@pytest.fixture(scope="module")
def finished(client: RiverrunClient, project_id: str) -> str:
    """A run that has ended."""
    run_id = ask(client, project_id, QUESTION)
    read_all(client, run_id)
    return run_id


@pytest.fixture(scope="module")
def golden(client: RiverrunClient, finished: str) -> list[RunEvent]:
    """Its whole log."""
    events = read_all(client, finished)
    assert_whole(events)
    return events


def raw(http: httpx2.Client, run_id: str, **request: object) -> httpx2.Response:
    return http.get(f"/api/v1/runs/{run_id}/events", **request)  # type: ignore[arg-type]


def test_an_answer_cut_at_random_events_while_it_runs_is_read_whole(
    client: RiverrunClient, project_id: str
) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    run_id = ask(client, project_id, QUESTION)
    seen: list[RunEvent] = []
    while not seen or seen[-1].type != "end":
        seen += read_some(client, run_id, dice.randint(1, 9), seen[-1].position if seen else "0-0")
    assert seen == read_all(client, run_id), f"seed {seed}"
    assert_whole(seen)


def test_after_each_single_event_the_rest_follows(
    client: RiverrunClient, finished: str, golden: list[RunEvent]
) -> None:
    for cut in range(len(golden)):
        position = golden[cut - 1].position if cut else "0-0"
        assert read_all(client, finished, position) == golden[cut:]


def test_the_three_spellings_of_a_position_mean_the_same(
    http: httpx2.Client, finished: str, golden: list[RunEvent]
) -> None:
    seq, position = golden[2].seq, golden[2].position
    answers = [
        raw(http, finished, headers={"Last-Event-ID": position}),
        raw(http, finished, params={"cursor": position}),
        raw(http, finished, params={"after": position}),
        raw(http, finished, params={"cursor": str(seq)}),
    ]
    bodies = {answer.text.partition("\n\n")[2] for answer in answers}
    assert len(bodies) == 1
    assert f"id: {golden[3].position}\n" in bodies.pop()


def test_at_and_after_the_end_there_is_nothing_more(
    http: httpx2.Client, finished: str, golden: list[RunEvent]
) -> None:
    end = golden[-1]
    for position in (end.position, str(end.seq), str(end.seq + 1), f"1-{end.seq + 1000}"):
        answer = raw(http, finished, headers={"Last-Event-ID": position})
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "garbage",
    ["abc", "-1", "1-", "-", "1-2-3", "1e3", "１", "0x1", "9" * 400, "1-2;DROP TABLE runs", "\u20ac"],
)
def test_a_garbage_position_is_a_400_that_says_what_is_expected(
    http: httpx2.Client, finished: str, garbage: str
) -> None:
    answer = raw(http, finished, params={"cursor": garbage})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "<attempt>-<seq>" in answer.json()["detail"]


def test_after_the_streams_were_emptied_the_same_bytes_come_from_the_record(
    client: RiverrunClient, http: httpx2.Client, stack: Stack, project_id: str
) -> None:
    run_id = ask(client, project_id, QUESTION)
    before = read_all(client, run_id)
    body = raw(http, run_id).text.partition("\n\n")[2]
    with redis.Redis.from_url(stack.settings.require_redis_url()) as streams:
        streams.flushdb()
    assert read_all(client, run_id) == before
    assert raw(http, run_id).text.partition("\n\n")[2] == body
    for cut in (0, len(before) // 2, len(before) - 2):
        assert read_all(client, run_id, before[cut].position) == before[cut + 1 :]


def test_streams_emptied_in_mid_answer_cost_no_reader_an_event(
    client: RiverrunClient, stack: Stack, project_id: str
) -> None:
    run_id = ask(client, project_id, QUESTION)
    seen: list[RunEvent] = []
    emptied = False
    with client.events(run_id, "0-0") as stream:
        for event in stream:
            seen.append(event)
            if not emptied and sum(one.type == "text" for one in seen) == 5:
                with redis.Redis.from_url(stack.settings.require_redis_url()) as streams:
                    streams.flushdb()
                emptied = True
                assert client.run(run_id)["status"] == "running"
    assert emptied
    assert_whole(seen)
    assert read_all(client, run_id) == seen


def test_many_readers_of_one_run_all_get_the_same(
    client: RiverrunClient, finished: str, golden: list[RunEvent]
) -> None:
    texts = {text_of(read_all(client, finished)) for _ in range(5)}
    assert texts == {text_of(golden)}
