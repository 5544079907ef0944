"""How much somebody may ask: checked, reserved with the question, and shown.

Workers only settle (``statements.settle``, in the transaction of a run's end), so this service has no sync twin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.principal import Principal, scoped
from riverrun.infra.plans import UNLIMITED, Plan
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.runs.models import Run, RunKind
from riverrun.usage import statements
from riverrun.usage.allowances import Allowance, allowances_of, refuse
from riverrun.usage.models import EntryState, HolderKind, UsageEntry
from riverrun.usage.schemas import AllowanceView, UsageView
from riverrun.usage.subscriptions import NO_PLAN, Subscriptions


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a user stands on a UTC day: the holders on whose counters a question would be, and their allowances."""

    today: date
    plan: str | None
    """The user's, by name; none while the billing system has not said."""
    allowances: Sequence[Allowance]

    def ids(self, kind: HolderKind) -> list[Any]:
        """The holders of a kind."""
        return list(dict.fromkeys(one.holder_id for one in self.allowances if one.holder_kind is kind))


class UsageService:
    """Works in the caller's transaction."""

    def __init__(self, settings: Settings, subscriptions: Subscriptions) -> None:
        self._settings = settings
        self._subscriptions = subscriptions

    async def check_usage_limit(self, user: Principal, session: AsyncSession) -> Standing:
        """Where the user stands, if there is room for one more question at this moment. Nothing is reserved.

        Raises:
            UsageLimitReached: a month's allowance of theirs, their key's or a team's of theirs is used up.
            TooManyQuestions: a day's.
        """
        standing = await self._standing(user, session)
        refuse([one for one in standing.allowances if one.is_used_up], now())
        return standing

    async def reserve(
        self, user: Principal, session: AsyncSession, standing: Standing, run: Run, agent_id: str
    ) -> None:
        """Enter the run's question, with the estimated tokens, in the transaction that creates the run.

        Questions that are asked at the same time wait here for each other: of two that want the last place one is
        refused, and nothing of it stays.

        Raises:
            UsageLimitReached, TooManyQuestions: others were first.
        """
        tokens = self._settings.tokens_per_question
        entry = {
            **_asker(user, standing),
            "run_id": run.id,
            "kind": run.kind,
            "agent_id": agent_id,
            "reserved_tokens": tokens,
            "tokens": tokens,
            "state": EntryState.RESERVED,
            "created_at": now(),
        }
        counted = (await session.execute(statements.reserve(entry))).all()
        refuse([one for one in _before(standing, counted, tokens) if one.is_used_up], now())

    async def hold(
        self, session: AsyncSession, runs: Sequence[Run], user: Principal, standing: Standing | None = None
    ) -> None:
        """Lock the counters of the runs' questions before the first is settled, and those of the user who is going to ask.

        Who locks them question by question holds what others wait for, and waits for what they hold. The runs are locked
        before: that is the order of a worker that ends one.
        """
        asker = _asker(user, standing) if standing else None
        if not (runs or asker):
            return
        await session.execute(statements.hold([run.id for run in runs], asker))

    async def get_usage_data(
        self, user: Principal, session: AsyncSession, start_date: date, end_date: date
    ) -> UsageView:
        """What the user has asked in these UTC days, both included, and what is left of their allowances now."""
        entries = scoped(user, UsageEntry).where(UsageEntry.asked_on.between(start_date, end_date))
        rows = (await session.execute(statements.usage_of(entries))).all()
        standing = await self._standing(user, session)
        agents: dict[str, int] = {}
        for row in rows:
            if row.kind == RunKind.ANSWER:
                agents[row.agent_id] = agents.get(row.agent_id, 0) + row.questions
        return UsageView(
            start_date=start_date,
            end_date=end_date,
            total_human_messages=sum(agents.values()),
            agent_message_counts=agents,
            questions=sum(row.questions for row in rows),
            tokens=sum(row.tokens for row in rows),
            plan=standing.plan,
            limits=[AllowanceView.of(one) for one in standing.allowances if one.most is not None],
        )

    async def _standing(self, user: Principal, session: AsyncSession) -> Standing:
        today = now().date()
        found = await session.execute(statements.standing(user.user_id, user.token_id, today))
        rows = found.all()
        own = next(row for row in rows if row.holder_kind == HolderKind.USER)
        self._subscriptions.look(user.user_id, own.learnt_at)
        allowances = [one for row in rows for one in allowances_of(row, self._plan_for(row), today)]
        return Standing(today, self._plan_name(own), allowances)

    def _plan_name(self, row: Any) -> str | None:
        """An administrator's word goes before the billing system's, and that before the default."""
        if row.plan is not None or self._subscriptions.is_on:
            name: str | None = row.plan or row.subscribed
            return self._settings.default_plan if name == NO_PLAN else name
        return self._settings.default_plan

    def _plan_for(self, row: Any) -> Plan:
        """Keys and teams have the limits that were laid down for them, and no others. A user whose plan the billing system
        has not told yet has none: nobody who may have paid is refused for its silence.
        """
        name = self._plan_name(row) if row.holder_kind == HolderKind.USER else row.plan
        return UNLIMITED if name is None else self._settings.plan_named(name)


def _before(standing: Standing, counted: Sequence[Any], tokens: int) -> Iterator[Allowance]:
    """The allowances as they were just before this question was put on the counters, whose new values are ``counted``."""
    own = {"questions": 1, "tokens": tokens}
    totals = {(row.holder_kind, row.holder_id, row.period): row for row in counted}
    for one in standing.allowances:
        row = totals[one.holder_kind, one.holder_id, one.period]
        yield one.with_used(getattr(row, one.measure) - own[one.measure])


def _asker(user: Principal, standing: Standing) -> dict[str, Any]:
    """On whose counters, and of which day, a question is."""
    return {
        "user_id": user.user_id,
        "api_key_id": next(iter(standing.ids(HolderKind.KEY)), None),
        "organisation_ids": standing.ids(HolderKind.ORGANISATION),
        "asked_on": standing.today,
    }
