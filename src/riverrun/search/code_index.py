"""The agents' read-only eyes on the index: the port ``CodeIndex`` over Postgres."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from riverrun.agents.deps import CallSite, Excerpt, Location, SearchHit, SymbolHit
from riverrun.parsing.text_lines import text_lines
from riverrun.search import statements
from riverrun.search.path_glob import glob_expression
from riverrun.search.search_service import SearchService

MAX_NAME_CHARS = 255
MAX_PATH_CHARS = 4096


class PostgresCodeIndex:
    """Fills ``agents.deps.CodeIndex`` for the projects of one conversation and sees no other.

    Any text is a legal argument: what cannot be a name or a path of the index finds nothing.
    """

    def __init__(self, session: Session, project_ids: Sequence[UUID]) -> None:
        self._session = session
        self._project_ids = tuple(project_ids)

    def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
        return SearchService(self._fresh_session()).search_codebase(self._project_ids, query, limit)

    def find_symbol(self, name: str, *, limit: int = 10) -> list[SymbolHit]:
        """Takes a name as any language writes it: ``Client.send``, ``Client::send``, ``Client#send()``."""
        if not (wanted := dotted(name)):
            return []
        named = self._definitions(statements.definitions_named(self._project_ids, wanted, limit))
        return named or self._definitions(statements.definitions_like(self._project_ids, wanted, limit))

    def callers(self, name: str, *, limit: int = 10) -> list[CallSite]:
        if not (wanted := dotted(name)):
            return []
        rows = self._fresh_session().execute(statements.calls_of(self._project_ids, wanted, limit))
        return [CallSite(Location(*place), caller) for *place, caller in rows]

    def read_file(self, path: str, start_line: int = 1, end_line: int | None = None) -> Excerpt | None:
        wanted = storable(path)[:MAX_PATH_CHARS].removeprefix("./")
        row = self._fresh_session().execute(statements.file_content(self._project_ids, wanted)).one_or_none()
        return clip(row, start_line, end_line) if row else None

    def list_files(self, pattern: str = "**", *, limit: int = 200) -> list[str]:
        expression = glob_expression(storable(pattern)[:MAX_PATH_CHARS])
        return list(
            self._fresh_session().scalars(statements.paths_matching(self._project_ids, expression, limit))
        )

    def _definitions(self, statement: statements.Rows) -> list[SymbolHit]:
        return [SymbolHit(Location(*row[:6]), *row[6:]) for row in self._fresh_session().execute(statement)]

    def _fresh_session(self) -> Session:
        """Each look begins anew: a connection that was lost since the last one is not asked again."""
        self._session.rollback()
        return self._session


def clip(row: Sequence[Any], start_line: int, end_line: int | None) -> Excerpt | None:
    """A row of ``file_content`` cut to a range of lines; none when the file has no line of it."""
    repo, commit, path, blob, content = row
    lines = text_lines(content)
    first, last = max(start_line, 1), min(end_line or len(lines), len(lines))
    if first > last:
        return None
    return Excerpt(
        Location(repo, commit, path, first, last, blob), "\n".join(lines[first - 1 : last]), len(lines)
    )


def dotted(name: str) -> str:
    """A name with dots between its parts, without call parentheses; empty when there is nothing of a name in it."""
    bare = storable(name).strip()[:MAX_NAME_CHARS].split("(")[0]
    return re.sub(r"::|->|#|/|\\|\.+", ".", bare).strip(". `'\"")


def storable(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
