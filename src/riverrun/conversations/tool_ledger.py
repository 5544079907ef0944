"""The ledger of a run's effects in Postgres."""

from sqlalchemy import Engine

from riverrun.agents.deps import EarlierEffect, EffectState
from riverrun.runs import statements, tool_records
from riverrun.runs.attempt import Attempt
from riverrun.streaming.errors import Fenced


class ToolLedger:
    """Fills ``agents.deps.EffectLedger`` for one attempt. While Postgres is away nothing begins, and ends wait.

    Each note is a transaction of its own: it is there before the effect, whatever becomes of the attempt.
    """

    def __init__(self, attempt: Attempt, engine: Engine) -> None:
        self._attempt = attempt
        self._engine = engine

    def begin(self, effect_id: str, tool: str) -> EarlierEffect | None:
        """Note an effect before it happens, or tell what was noted before.

        Raises:
            Fenced: another attempt owns the run; nothing may be changed any more.
        """
        return self._attempt.patiently(lambda: self._begin(effect_id, tool))

    def end(self, effect_id: str, state: EffectState, result: str) -> None:
        """Note how an effect went."""
        self._attempt.patiently(lambda: self._end(effect_id, state, result))

    def _begin(self, effect_id: str, tool: str) -> EarlierEffect | None:
        run = self._attempt.run
        with self._engine.begin() as connection:
            if connection.execute(statements.look_while_holding(run.lease)).first() is None:
                raise Fenced(f"run {run.id}: attempt {run.attempt} does not own it any more")
            begun = tool_records.begin_effect(run.id, effect_id, tool, run.attempt)
            if connection.scalar(begun) is not None:
                return None
            noted = connection.execute(tool_records.noted_effect(run.id, effect_id)).one()
        if noted.attempt == run.attempt:
            return None  # our own note: the answer to its COMMIT got lost
        return EarlierEffect(EffectState(noted.state), noted.result)

    def _end(self, effect_id: str, state: EffectState, result: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(tool_records.end_effect(self._attempt.run.id, effect_id, state, result))
