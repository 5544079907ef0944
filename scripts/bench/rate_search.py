"""The search for the greatest rate that a server bears: proposed one trial at a time, so that servers can take turns."""

import math

STEP = 2.0
"""By how much a rate changes until one was borne and another was not."""


class RateSearch:
    """``rate`` is to be tried next; ``note`` says how that went. ``best`` is what was borne, 0 for nothing at all."""

    def __init__(self, start: float, *, least: float, most: float, precision: float) -> None:
        self.rate = min(max(start, least), most)
        self.best = 0.0
        self.is_over = False
        self._least = least
        self._most = most
        self._precision = precision
        self._too_much = math.inf

    def note(self, is_borne: bool) -> None:
        """The outcome of the trial at ``rate``."""
        if is_borne:
            self.best = self.rate
        else:
            self._too_much = self.rate
        self.is_over = (
            self._too_much <= self.best * self._precision
            or self.best >= self._most
            or self._too_much <= self._least
        )
        if not self.is_over:
            self.rate = self._next()

    def _next(self) -> float:
        if math.isinf(self._too_much):
            return min(self.best * STEP, self._most)
        if not self.best:
            return max(self._too_much / STEP, self._least)
        return math.sqrt(self.best * self._too_much)
