"""The agents' read-only eyes on the index: the port ``CodeIndex`` over Postgres."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from riverrun.agents.deps import CallSite, Excerpt, Location, SearchHit, SymbolHit
from riverrun.agents.places import full_path
from riverrun.parsing.text_lines import text_lines
from riverrun.search import statements
from riverrun.search.path_glob import glob_expression
from riverrun.search.search_service import SearchService

MAX_NAME_CHARS = 255
MAX_PATH_CHARS = 4096


class PostgresCodeIndex:
    """Fills ``agents.deps.CodeIndex`` for the projects of one conversation and sees no other.

    Any text is a legal argument: what cannot be a name or a path of the index finds nothing. Of several projects, a path
    that begins with one's name means that one's file, if it has it; else it means a file that only one of them has.
    """

    def __init__(self, session: Session, project_ids: Sequence[UUID]) -> None:
        self._session = session
        self._project_ids = tuple(project_ids)
        self._has_several = len(self._project_ids) > 1

    def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
        hits = SearchService(self._fresh_session()).search_codebase(self._project_ids, query, limit)
        return [replace(hit, location=self._told(hit.location)) for hit in hits]

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
        return [CallSite(self._told(Location(*place)), caller) for *place, caller in rows]

    def read_file(self, path: str, start_line: int = 1, end_line: int | None = None) -> Excerpt | None:
        files = self._files_called(path)
        excerpt = clip(files[0], start_line, end_line) if len(files) == 1 else None
        return replace(excerpt, location=self._told(excerpt.location)) if excerpt else None

    def namesakes(self, path: str) -> list[str]:
        files = self._files_called(path)
        return [full_path(file.repo_name, file.path) for file in files] if len(files) > 1 else []

    def list_files(self, pattern: str = "**", *, limit: int = 200) -> list[str]:
        wanted = storable(pattern)[:MAX_PATH_CHARS]
        project_ids: Sequence[UUID] = self._project_ids
        if named := self._by_full_path(wanted):
            project_ids, wanted = list(named), min(named.values(), key=len)
        matching = statements.paths_matching(project_ids, glob_expression(wanted), limit)
        rows = self._fresh_session().execute(matching)
        return [full_path(repo, path) if self._has_several else path for path, repo in rows]

    def _definitions(self, statement: statements.Rows) -> list[SymbolHit]:
        rows = self._fresh_session().execute(statement)
        return [SymbolHit(self._told(Location(*row[:6])), *row[6:]) for row in rows]

    def _files_called(self, path: str) -> Sequence[Row[Any]]:
        """The files that a path may mean. Those of one name with the same content are one."""
        wanted = storable(path)[:MAX_PATH_CHARS].removeprefix("./")
        everywhere = dict.fromkeys(self._project_ids, wanted)
        files = self._contents(self._by_full_path(wanted)) or self._contents(everywhere)
        return list({(file.repo_name, file.path, file.blob): file for file in files}.values())

    def _contents(self, paths: Mapping[UUID, str]) -> Sequence[Row[Any]]:
        return self._fresh_session().execute(statements.file_content(paths)).all() if paths else []

    def _by_full_path(self, text: str) -> dict[UUID, str]:
        """What follows the repository's name in the text, for each project that has the name."""
        prefixes = {project_id: full_path(name, "") for project_id, name in self._names.items()}
        return {
            project_id: text.removeprefix(prefix)
            for project_id, prefix in prefixes.items()
            if text.startswith(prefix)
        }

    @cached_property
    def _names(self) -> Mapping[UUID, str]:
        """What the projects are called, where there are several to be told apart."""
        if not self._has_several:
            return {}
        rows = self._fresh_session().execute(statements.repo_names(self._project_ids))
        return {row.id: row.repo_name for row in rows}

    def _told(self, location: Location) -> Location:
        return replace(location, names_repo=self._has_several)

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
    """A name with dots between its parts, without call parentheses; empty when there is nothing of a name in it.

    A ``#`` at the beginning of a part belongs to it: JavaScript's private names.
    """
    bare = storable(name).strip()[:MAX_NAME_CHARS].split("(")[0]
    return re.sub(r"::|->|(?<=\w)#|/|\\|\.+", ".", bare).strip(". `'\"")


def storable(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
