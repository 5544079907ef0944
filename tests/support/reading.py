"""Reading a run as a strict client does: every event, nothing folded away."""

from collections.abc import Iterable
from uuid import uuid4

from riverrun.cli.client import RiverrunClient
from riverrun.cli.event_fold import START, EventFold, RunEvent, sha256_of


def ask(client: RiverrunClient, project_id: str, question: str) -> str:
    """A question in a conversation of its own; its run."""
    return client.ask(client.start_conversation(project_id), question, idempotency_key=str(uuid4()))


def read_all(client: RiverrunClient, run_id: str, position: str = START) -> list[RunEvent]:
    """Everything after a position until the server closes the stream, over one connection."""
    with client.events(run_id, position) as stream:
        return list(stream)


def read_some(client: RiverrunClient, run_id: str, count: int, position: str = START) -> list[RunEvent]:
    """The next ``count`` events (fewer when the end comes first), then the socket is closed."""
    events: list[RunEvent] = []
    with client.events(run_id, position) as stream:
        for event in stream:
            events.append(event)
            if len(events) == count:
                break
    return events


def read_until(client: RiverrunClient, run_id: str, event_type: str, position: str = START) -> list[RunEvent]:
    """Events up to the first of a type, then the socket is closed."""
    events: list[RunEvent] = []
    with client.events(run_id, position) as stream:
        for event in stream:
            events.append(event)
            if event.type in (event_type, "end"):
                break
    return events


def text_of(events: Iterable[RunEvent]) -> str:
    """What the events' reader has in hand, after every ``attempt`` and ``reset``."""
    fold = EventFold()
    for event in events:
        fold.apply(event)
    return fold.text


def assert_exact(events: list[RunEvent]) -> None:
    """A log from its first event to its end, maybe of several attempts: no event twice, one end, last, and its text."""
    positions = [tuple(map(int, event.position.split("-"))) for event in events]
    assert positions == sorted(set(positions))
    end = events[-1]
    assert [event.type for event in events].count("end") == 1
    assert end.type == "end"
    text = text_of(events)
    assert (end.data["chars"], end.data["text_sha256"]) == (len(text), sha256_of(text))


def assert_whole(events: list[RunEvent]) -> None:
    """The same of a run that one attempt brought to its end: every seq is there."""
    assert_exact(events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].data["events"] == len(events)
