"""What stands after attempts, resets and repeats is the stored answer."""

import pytest

from riverrun.cli.event_fold import START, EventFold, RunEvent, StreamBroken, sha256_of


def event(event_id: str, event_type: str = "text", **fields: object) -> RunEvent:
    attempt, seq = map(int, event_id.split("-"))
    return RunEvent(event_id, event_type, {"seq": seq, "attempt": attempt, **fields})


def folded(*events: RunEvent) -> EventFold:
    fold = EventFold()
    for one in events:
        fold.apply(one)
    return fold


def test_texts_are_joined_in_order_and_the_position_is_the_last_events() -> None:
    fold = folded(event("1-1", "queued"), event("1-2", text="Hal"), event("1-3", text="lo"))
    assert (fold.text, fold.position) == ("Hallo", "1-3")


def test_a_repeated_event_changes_nothing() -> None:
    fold = folded(event("1-1", text="a"), event("1-2", text="b"))
    assert fold.apply(event("1-2", text="b")) is False
    assert fold.text == "ab"


def test_a_missing_event_is_noticed_and_the_position_stays() -> None:
    fold = folded(event("1-1", text="a"))
    with pytest.raises(StreamBroken):
        fold.apply(event("1-3", text="c"))
    assert (fold.text, fold.position) == ("a", "1-1")


def test_a_new_attempt_takes_back_what_it_does_not_keep() -> None:
    fold = folded(
        event("1-1", "started"),
        event("1-2", text="kept "),
        event("1-3", text="lost"),
        event("1-4", "citation", path="lost.py", start_line=1, end_line=2),
        event("2-3", "attempt", keeps_seq=2),
        event("2-4", text="new"),
    )
    assert (fold.text, fold.citations, fold.position) == ("kept new", [], "2-4")


def test_a_reset_replaces_everything_by_its_snapshot() -> None:
    reset = event(
        "2-7",
        "reset",
        position="2-7",
        snapshot={"text": "whole", "thinking": None, "citations": [{"path": "a"}]},
    )
    fold = folded(event("1-1", text="old"), reset, event("2-8", text=" answer"))
    assert (fold.text, fold.position, fold.thinking) == ("whole answer", "2-8", "")
    assert fold.citations == [{"path": "a"}]


def test_an_attempt_that_takes_back_a_part_of_a_snapshot_starts_the_reading_over() -> None:
    fold = folded(event("1-9", "reset", position="1-9", snapshot={"text": "too much"}))
    with pytest.raises(StreamBroken):
        fold.apply(event("2-5", "attempt", keeps_seq=4))
    assert (fold.text, fold.position) == ("", START)


def test_each_cited_place_is_listed_once_in_order_of_first_mention() -> None:
    places = [{"path": path, "start_line": 1, "end_line": 2} for path in ("b.py", "a.py", "b.py")]
    fold = folded(*(event(f"1-{n}", "citation", **place) for n, place in enumerate(places, 1)))
    assert [place["path"] for place in fold.citations] == ["b.py", "a.py"]


def test_the_end_proves_the_text_by_its_checksum() -> None:
    texts = (event("1-1", text="zwölf "), event("1-2", text="🦊"))
    assert folded(
        *texts, event("1-3", "end", status="completed", text_sha256=sha256_of("zwölf 🦊"))
    ).text_is_exact
    assert not folded(
        *texts, event("1-3", "end", status="completed", text_sha256=sha256_of("else"))
    ).text_is_exact
    assert not folded(*texts).text_is_exact


def test_an_event_outside_the_log_changes_nothing() -> None:
    fold = folded(event("1-1", text="a"))
    assert fold.apply(RunEvent("1-1", "reconnect", {})) is False
    assert fold.position == "1-1"
