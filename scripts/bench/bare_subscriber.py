"""A program that only subscribes: what the delay of a frame is before anybody has served it.

Commands: ``listen {redis_url, channels}``, ``collect``.
"""

import time
from typing import Any

import uvloop

from bench.channel_ear import ChannelEar
from bench.command_lines import Answer, serve_commands
from bench.figures import percentile
from bench.stream_readers import SENT


class Listener:
    """Keeps each frame with the moment of its arrival."""

    def __init__(self) -> None:
        self._arrivals: list[tuple[int, bytes]] = []
        self._ear = ChannelEar(lambda _, frame: self._arrivals.append((time.monotonic_ns(), frame)))

    def find(self, command: str) -> Answer:
        """The method that performs a command."""
        method: Answer = getattr(self, command)
        return method

    async def listen(self, redis_url: str, channels: list[str]) -> int:
        """Subscribe to all; how many they are."""
        await self._ear.connect(redis_url)
        await self._ear.subscribe_all(channels)
        return len(channels)

    async def collect(self) -> dict[str, Any]:
        """The delays of all texts since the last time."""
        arrivals, self._arrivals = self._arrivals, []
        delays = [now - int(sent) for now, frame in arrivals for sent in SENT.findall(frame)]
        told: dict[str, Any] = {"events": len(delays)}
        if delays:
            told |= {f"p{percent}_ms": percentile(delays, percent) / 1e6 for percent in (50, 95, 99)}
        return told


if __name__ == "__main__":
    uvloop.run(serve_commands(Listener().find))
