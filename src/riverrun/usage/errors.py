"""What can go wrong when something is to be asked."""

from typing import Any

from riverrun.kit.problem import Problem


class UsageLimitReached(Problem):
    """What may be asked in this month is used up: wait for the next one, or have the limit raised.

    ``holder`` says whose limit it is (``user``, ``key`` or ``organisation``), ``holder_id`` which one's, ``measure`` of
    what (``questions`` or ``tokens``); ``limit``, ``used``, ``rest`` and ``resets_at`` are its figures, ``Retry-After``
    is the time until then.
    """

    status = 402
    title = "This month's allowance is used up"

    def __init__(self, detail: str, retry_after_seconds: int, **extensions: Any) -> None:
        super().__init__(detail, **extensions)
        self.retry_after_seconds = retry_after_seconds


class TooManyQuestions(UsageLimitReached):
    """What may be asked in this day is used up: the next one begins at 00:00 UTC. Its members are those of a month's."""

    status = 429
    title = "This day's allowance is used up"


class UnknownPlan(Problem):
    """There is no plan of this name in ``RIVERRUN_PLANS``."""

    status = 422
    title = "No such plan"
