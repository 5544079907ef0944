"""Whether a model answers at all: asked as every question is, streamed and with the agent's tools, about no code."""

from pydantic_ai.models import Model

from riverrun.agents.deps import CallSite, Excerpt, SearchHit, SymbolHit
from riverrun.agents.runner import Limits, answer_question

_LIMITS = Limits(steps=3, total_seconds=150.0)


async def try_model(model: Model) -> None:
    """Ask it for a word.

    Raises:
        AgentFailed: it gave none; in words for a person.
    """
    await answer_question("Answer with the word: ready", [], _NoCode(), model, lambda *_: None, _LIMITS)


class _NoCode:
    """An index of nothing."""

    def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
        return []

    def find_symbol(self, name: str, *, limit: int = 10) -> list[SymbolHit]:
        return []

    def callers(self, name: str, *, limit: int = 10) -> list[CallSite]:
        return []

    def read_file(self, path: str, start_line: int = 1, end_line: int | None = None) -> Excerpt | None:
        return None

    def namesakes(self, path: str) -> list[str]:
        return []

    def list_files(self, pattern: str = "**", *, limit: int = 200) -> list[str]:
        return []
