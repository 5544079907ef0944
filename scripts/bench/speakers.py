"""A program that speaks for many runs: appends events as a worker does, at a chosen rate, each with its moment.

Commands: ``prepare {redis_url, run_ids}``, ``speak {run_ids, per_second, seconds}``, ``burst {run_ids, each}``,
``end {run_ids}``. A text is ``<monotonic ns> some words of an answer``. Answers tell how many events were appended.
"""

import hashlib
import time
from typing import Any
from uuid import UUID

import hiredis

from bench.command_lines import answer, commands
from bench.redis_wire import RedisWire
from riverrun.runs.models import RunStatus
from riverrun.streaming.commands import APPEND_SCRIPT, append_arguments, append_keys, status_key
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event, EventType

TTL_SECONDS = 3_600
MOST_UNANSWERED = 64
BURST = 500
DONE = {b"APPENDED", b"STOPPING"}


class Speaker:
    """One run's voice: numbers, and the checksum that its end will name."""

    def __init__(self, run_id: str) -> None:
        self.run_id = UUID(run_id)
        self.seq = 0
        self._chars = 0
        self._joined = hashlib.sha256()

    def first(self) -> Event:
        """What the run's creator says."""
        return self._next(EventType.QUEUED, {})

    def text(self) -> Event:
        """Some words, with the moment."""
        text = f"{time.monotonic_ns()} some words of an answer "
        self._chars += len(text)
        self._joined.update(text.encode())
        return self._next(EventType.TEXT, {"text": text})

    def end(self) -> Event:
        """The last event."""
        fields = {
            "status": RunStatus.COMPLETED,
            "chars": self._chars,
            "events": self.seq + 1,
            "text_sha256": self._joined.hexdigest(),
        }
        return self._next(EventType.END, fields)

    def _next(self, event_type: str, fields: dict[str, Any]) -> Event:
        self.seq += 1
        return Event.create(Position(1, self.seq), event_type, fields)


class Voices:
    """All speakers of the program, over one connection."""

    def __init__(self) -> None:
        self._speakers: dict[str, Speaker] = {}
        self._wire: RedisWire | None = None
        self._sha = b""

    def prepare(self, redis_url: str, run_ids: list[str]) -> int:
        """Let new runs be known as running, and say their first event."""
        if self._wire is None:
            self._wire = RedisWire(redis_url)
            self._sha = self._wire.call("SCRIPT", "LOAD", APPEND_SCRIPT)
        self._speakers |= {run_id: Speaker(run_id) for run_id in run_ids}
        for run_id in run_ids:
            self._wire.call("SET", status_key(UUID(run_id)), RunStatus.RUNNING, "EX", str(TTL_SECONDS))
        return self._say_at_once([self._packed(one, one.first()) for one in self._of(run_ids)])

    def speak(self, run_ids: list[str], per_second: float, seconds: float) -> int:
        """Take turns, evenly spread; ``per_second`` is the rate of all together."""
        speakers = self._of(run_ids)
        total = round(per_second * seconds)
        began = time.monotonic()
        for number in range(total):
            pause = began + number / per_second - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            speaker = speakers[number % len(speakers)]
            self._wired.send_packed(self._packed(speaker, speaker.text()), 1)
            if self._wired.unanswered >= MOST_UNANSWERED:
                self._check(self._wired.replies(MOST_UNANSWERED // 2))
        self._check(self._wired.drain())
        return total

    def burst(self, run_ids: list[str], each: int) -> int:
        """As fast as the server takes them."""
        speakers = self._of(run_ids)
        return self._say_at_once([self._packed(one, one.text()) for _ in range(each) for one in speakers])

    def end(self, run_ids: list[str]) -> int:
        """Let runs end."""
        return self._say_at_once([self._packed(one, one.end()) for one in self._of(run_ids)])

    def _of(self, run_ids: list[str]) -> list[Speaker]:
        return [self._speakers[run_id] for run_id in run_ids]

    @property
    def _wired(self) -> RedisWire:
        assert self._wire is not None
        return self._wire

    def _packed(self, speaker: Speaker, event: Event) -> bytes:
        keys = append_keys(speaker.run_id)
        arguments = append_arguments(speaker.run_id, event, TTL_SECONDS)
        packed: bytes = hiredis.pack_command(("EVALSHA", self._sha, len(keys), *keys, *arguments))
        return packed

    def _say_at_once(self, packed: list[bytes]) -> int:
        for start in range(0, len(packed), BURST):
            batch = packed[start : start + BURST]
            self._wired.send_packed(b"".join(batch), len(batch))
            self._check(self._wired.drain())
        return len(packed)

    def _check(self, outcomes: list[bytes]) -> None:
        if not DONE.issuperset(outcomes):
            raise RuntimeError(f"an append was answered {set(outcomes) - DONE}")


if __name__ == "__main__":
    voices = Voices()
    for do, fields in commands():
        answer(getattr(voices, do)(**fields))
