"""The agents' read-only eyes on the index: the port ``CodeIndex`` over Postgres."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from riverrun.agents.deps import CallSite, Excerpt, Location, SearchHit, SymbolHit
from riverrun.agents.places import full_path, told_version, versioned
from riverrun.parsing.text_lines import text_lines
from riverrun.search import statements
from riverrun.search.path_glob import glob_expression
from riverrun.search.search_service import SearchService, location_in

MAX_NAME_CHARS = 255
MAX_PATH_CHARS = 4096

Found = TypeVar("Found", SearchHit, SymbolHit, CallSite)


class PostgresCodeIndex:
    """Fills ``agents.deps.CodeIndex`` for the projects of one conversation and sees no other.

    Any text is a legal argument: what cannot be a name or a path of the index finds nothing. Of several projects, a path
    that begins with what one is called means that one's file, if it has it; else it means a file that only one of them
    has. What is the same in several versions of a repository is found once.
    """

    def __init__(self, session: Session, project_ids: Sequence[UUID]) -> None:
        self._session = session
        self._project_ids = tuple(project_ids)
        self._has_several = len(self._project_ids) > 1

    def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
        asked = limit * self._most_versions
        hits = SearchService(self._fresh_session()).search_codebase(self._project_ids, query, asked)
        return self._told(hits)[:limit]

    def find_symbol(self, name: str, *, limit: int = 10) -> list[SymbolHit]:
        """Takes a name as any language writes it: ``Client.send``, ``Client::send``, ``Client#send()``."""
        if not (wanted := dotted(name)):
            return []
        asked = limit * self._most_versions
        named = self._definitions(statements.definitions_named(self._project_ids, wanted, asked))
        found = named or self._definitions(statements.definitions_like(self._project_ids, wanted, asked))
        return found[:limit]

    def callers(self, name: str, *, limit: int = 10) -> list[CallSite]:
        if not (wanted := dotted(name)):
            return []
        calls = statements.calls_of(self._project_ids, wanted, limit * self._most_versions)
        rows = self._fresh_session().execute(calls)
        return self._told(CallSite(location_in(place), caller) for *place, caller in rows)[:limit]

    def read_file(self, path: str, start_line: int = 1, end_line: int | None = None) -> Excerpt | None:
        files = self._files_called(path)
        excerpt = clip(files[0], start_line, end_line) if len(files) == 1 else None
        return replace(excerpt, location=self._named(excerpt.location)) if excerpt else None

    def namesakes(self, path: str) -> list[str]:
        files = self._files_called(path)
        if len(files) < 2:
            return []
        return [
            full_path(versioned(file.repo_name, told_version(file.branch_name)), file.path) for file in files
        ]

    def list_files(self, pattern: str = "**", *, limit: int = 200) -> list[str]:
        wanted = storable(pattern)[:MAX_PATH_CHARS]
        project_ids: Sequence[UUID] = self._project_ids
        if named := self._by_told_name(wanted) or self._by_name(wanted):
            project_ids, wanted = list(named), min(named.values(), key=len)
        matching = statements.paths_matching(project_ids, glob_expression(wanted), limit)
        rows = self._fresh_session().execute(matching)
        if not self._has_several:
            return [path for path, *_ in rows]
        return [full_path(versioned(repo, told_version(branch)), path) for path, repo, branch in rows]

    def _definitions(self, statement: statements.Rows) -> list[SymbolHit]:
        rows = self._fresh_session().execute(statement)
        return self._told(SymbolHit(location_in(row[:7]), *row[7:]) for row in rows)

    def _files_called(self, path: str) -> Sequence[Row[Any]]:
        """The files that a path may mean. Those of one name with the same content are one."""
        wanted = storable(path)[:MAX_PATH_CHARS].removeprefix("./")
        everywhere = dict.fromkeys(self._project_ids, wanted)
        files = (
            self._contents(self._by_told_name(wanted))
            or self._contents(self._by_name(wanted))
            or self._contents(everywhere)
        )
        return list({(file.repo_name, file.path, file.blob): file for file in files}.values())

    def _contents(self, paths: Mapping[UUID, str]) -> Sequence[Row[Any]]:
        return self._fresh_session().execute(statements.file_content(paths)).all() if paths else []

    def _by_told_name(self, text: str) -> dict[UUID, str]:
        """What follows in the text what tools and citations call a repository, for each project that is called so."""
        return _behind(
            {row.id: versioned(row.repo_name, told_version(row.branch_name)) for row in self._rows}, text
        )

    def _by_name(self, text: str) -> dict[UUID, str]:
        """What follows the repository's name in the text, for each version of it."""
        return _behind({row.id: row.repo_name for row in self._rows}, text)

    @cached_property
    def _rows(self) -> Sequence[Row[Any]]:
        """The projects, where there are several to be told apart."""
        if not self._has_several:
            return ()
        return self._fresh_session().execute(statements.versions(self._project_ids)).all()

    @cached_property
    def _most_versions(self) -> int:
        """In how many versions the same repository is there at most."""
        return max(Counter(row.repo_name for row in self._rows).values(), default=1)

    def _told(self, found: Iterable[Found]) -> list[Found]:
        """In the same order, with places as they are told."""
        named = [replace(one, location=self._named(one.location)) for one in found]
        if self._most_versions == 1:
            return named
        once: dict[object, Found] = {}
        for one in named:
            once.setdefault(_in_any_version(one), one)
        return list(once.values())

    def _named(self, location: Location) -> Location:
        return replace(location, names_repo=self._has_several)

    def _fresh_session(self) -> Session:
        """Each look begins anew: a connection that was lost since the last one is not asked again."""
        self._session.rollback()
        return self._session


def _behind(names: Mapping[UUID, str], text: str) -> dict[UUID, str]:
    """What follows a name and its colon in the text, for each project whose name that is."""
    prefixes = {project_id: full_path(name, "") for project_id, name in names.items()}
    return {
        project_id: text.removeprefix(prefix)
        for project_id, prefix in prefixes.items()
        if text.startswith(prefix)
    }


def _in_any_version(found: SearchHit | SymbolHit | CallSite) -> object:
    """The same for what is found at the same lines of the same file in several versions of a repository."""
    name = found.caller if isinstance(found, CallSite) else found.name
    return replace(found.location, commit=None, version=""), name


def clip(row: Sequence[Any], start_line: int, end_line: int | None) -> Excerpt | None:
    """A row of ``file_content`` cut to a range of lines; none when the file has no line of it."""
    repo, commit, path, blob, branch, content = row
    lines = text_lines(content)
    first, last = max(start_line, 1), min(end_line or len(lines), len(lines))
    if first > last:
        return None
    location = location_in((repo, commit, path, first, last, blob, branch))
    return Excerpt(location, "\n".join(lines[first - 1 : last]), len(lines))


def dotted(name: str) -> str:
    """A name with dots between its parts, without call parentheses; empty when there is nothing of a name in it.

    A ``#`` at the beginning of a part belongs to it: JavaScript's private names.
    """
    bare = storable(name).strip()[:MAX_NAME_CHARS].split("(")[0]
    return re.sub(r"::|->|(?<=\w)#|/|\\|\.+", ".", bare).strip(". `'\"")


def storable(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
