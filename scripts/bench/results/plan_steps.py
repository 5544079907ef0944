"""The registry: which script measures which step of the plan, and what belongs to each run of many."""

from dataclasses import dataclass

PROOF = "loop_proof"
CAPACITY = "capacity"
INDEX = "index"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the plan. ``shown_at`` are scripts of other steps that measure it too."""

    number: str
    title: str
    change: str
    benchmarks: tuple[str, ...]
    shown_at: tuple[str, ...] = ()
    missing: str = ""
    """Why there is no script of its own; nothing when there is one."""


STEPS = (
    Step(
        "0",
        "Thread wrappers taken back",
        "The arm `threads` is what was taken back: sync drivers, each call in a thread. Each later step is measured on it too; "
        "here stands what its streams cost.",
        (CAPACITY, "streams"),
    ),
    Step(
        "1",
        "Redis on the API's loop",
        "Run state, polls and stream positions by `redis.asyncio`.",
        ("redis_async",),
    ),
    Step("2a", "Usage", "Limits are looked into by an `AsyncSession`.", ("usage_check",)),
    Step(
        "2b",
        "Chat history",
        "Questions are stored, and stopped, by an `AsyncSession`.",
        ("chat_flow",),
        shown_at=("redis_async",),
    ),
    Step("2c", "Sharing, access, users", "Shares and users by an `AsyncSession`.", ("share_access",)),
    Step("2d", "Sign-up and sign-in", "Users and providers by an `AsyncSession`.", ("auth",)),
    Step(
        "2e",
        "Repositories of a user",
        "A user's repositories by an `AsyncSession`.",
        ("tunnel_github",),
        missing="the list of a user's GitHub repositories has not landed",
    ),
    Step(
        "3",
        "Redis beside streams",
        "The editor's tunnel and what is kept of GitHub's answers by `redis.asyncio`.",
        ("tunnel_github",),
        missing="the editor's tunnel and GitHub have not landed",
    ),
    Step("4", "HTTP", "Passwords that somebody else looks at, by an async client.", ("login",), ("auth",)),
    Step("5", "Search", "Search by an `AsyncSession`.", ("search",)),
)

PLAN = {
    PROOF: 50.0,
    "usage_check": 105.0,
    "share_access": 135.0,
    "chat_flow": 115.0,
    "tunnel_github": 0.0,
    "login": 150.0,
    "search": 120.0,
    "redis_async": 345.0,
    "auth": 180.0,
}
"""What ``make bench`` runs, the dearest last or nearly so, and each one's share of its 20 minutes in seconds."""
FULL = {
    **PLAN,
    CAPACITY: 480.0,
    "streams": 900.0,
    "dispatch": 240.0,
    "polls": 240.0,
    "request_tax": 120.0,
    "immunity": 400.0,
    "database_tax": 120.0,
    INDEX: 600.0,
    "monitor": 1200.0,
}
"""What ``make bench-full`` runs: the numbered benchmarks too."""
FEWER_ROUNDS = frozenset({"redis_async", "chat_flow", "auth"})
"""Whose requests take long, of several kinds: workers answer them, or passwords are hashed."""

NUMBERED = {
    "1": "CPU of the API an event, over a raw fan-out",
    "2": "Delay of an event, p99, over a bare subscriber",
    "3": "Streams a core at p99 <= 50 ms",
    "4": "Memory a stream, over a raw one",
    "5": "Question to first event, over the raw parts",
    "6": "Storm of reconnects, over one pipelined XRANGE",
    "7": "Immunity: beside 64 hung dependencies, over idle",
    "8": "Requests a second, over bare ASGI and asyncpg",
    "9": "Batched insert, SQLAlchemy Core over asyncpg",
    "10": "Dispatch: rate over LPUSH, and the loop's time",
    "11": "Capacity at p95 <= 100 ms under mixed load",
    "12": "CPU an event under a storm of kills, over calm",
    "13": "A poll beside a million keys, over ten",
    "14": "Indexing, over bare parsing",
    "monitor": "The loop's monitor",
}
"""The benchmarks that have a number of their own, and what is promised of the monitor."""
