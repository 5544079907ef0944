"""Follow a run to its end, however often the line is lost."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import EXIT_NO_SERVER, ClientError, ServerBusy, ServerUnreachable
from riverrun.cli.event_fold import EventFold, RunEvent, StreamBroken
from riverrun.cli.sse_reader import SseFormatError


class AnswerDamaged(ClientError):
    """What was read is not what the server sent."""


class RunOutOfReach(ClientError):
    """The line to the server could not be had again in time; the run itself goes on."""

    exit_code = EXIT_NO_SERVER

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(f"{reason}; the run goes on, see it with: riverrun runs {run_id}")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from ``first_seconds`` to ``longest_seconds``, each shortened by up to a half at random.

    ``patience_seconds`` is how long a run may be followed without one new event while the line keeps failing.
    """

    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    patience_seconds: float = 60.0

    def pause_seconds(self, failures: int) -> float:
        """The pause after so many failures in a row, at least one."""
        longest: float = self.first_seconds * 2.0 ** min(failures - 1, 16)
        return min(self.longest_seconds, longest) * random.uniform(0.5, 1)


class RunFollower:
    """Reads a run's events into ``fold``, reconnecting with its position.

    ``on_lost`` hears of each lost line (a sentence) before the pause that follows it.
    """

    def __init__(
        self,
        client: RiverrunClient,
        run_id: str,
        *,
        fold: EventFold | None = None,
        backoff: Backoff | None = None,
        on_lost: Callable[[str], None] = lambda reason: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.fold = fold or EventFold()
        self._client = client
        self._run_id = run_id
        self._backoff = backoff or Backoff()
        self._on_lost = on_lost
        self._sleep = sleep

    def events(self) -> Iterator[RunEvent]:
        """Each event that changes the fold, in order, ``end`` last.

        Raises ``RunOutOfReach`` when patience ran out, ``ApiProblem`` when the server refuses, ``AnswerDamaged`` when
        the text at the end has not the checksum that ``end`` names.
        """
        failures, last_news = 0, time.monotonic()
        while True:
            try:
                for event in self._connection():
                    failures, last_news = 0, time.monotonic()
                    yield event
                break
            except (ServerUnreachable, ServerBusy, SseFormatError, StreamBroken) as error:
                if time.monotonic() - last_news > self._backoff.patience_seconds:
                    raise RunOutOfReach(self._run_id, str(error)) from error
                self._on_lost(str(error))
            failures += 1
            self._sleep(self._backoff.pause_seconds(failures))
        self._check_the_text()

    def _connection(self) -> Iterator[RunEvent]:
        """What one connection brings, up to the end. Raises when it brings less."""
        with self._client.events(self._run_id, self.fold.position) as stream:
            if stream.is_past_the_end:
                raise AnswerDamaged(
                    f"the server knows no event after {self.fold.position}, and no end was read"
                )
            for event in stream:
                if event.type == "reconnect":
                    raise StreamBroken("the server is restarting")
                if self.fold.apply(event):
                    yield event
                if event.type == "end":
                    return
        raise StreamBroken("the server closed the stream")

    def _check_the_text(self) -> None:
        if self.fold.end and self.fold.end.get("text_sha256") and not self.fold.text_is_exact:
            raise AnswerDamaged("the text that arrived is not the text that was sent: its checksum differs")
