"""What search asks of Postgres, as data: nothing here opens, awaits or logs. Every statement is scoped to projects."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Integer,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from riverrun.parsing.call_keys import call_keys
from riverrun.parsing.models import Blob, Chunk, FileCalls, Project, SourceFile, Symbol, TermFrequency

Rows = Select[*tuple[Any, ...]]

_PROJECTS: BindParameter[Any] = bindparam("project_ids", expanding=True)
_TERMS = bindparam("terms", type_=ARRAY(Text))
_CHUNKS: BindParameter[Any] = bindparam("chunk_ids", expanding=True)

# What each search asks is put together once: to do it anew would take the event loop milliseconds each time.

CORPUS_SIZES: Rows = select(Project.id, Project.chunks, Project.label_lengths).where(
    Project.id.in_(_PROJECTS)
)
"""``(project_id, chunks, [terms under A, B, C, D])`` of every project of ``project_ids``."""

TERM_FREQUENCIES: Rows = select(TermFrequency.project_id, TermFrequency.term, TermFrequency.chunks).where(
    TermFrequency.project_id.in_(_PROJECTS), TermFrequency.term == any_(_TERMS)
)
"""``(project_id, term, chunks)`` of those of the ``terms`` that a project has."""


def _hits() -> Rows:
    symbol = (
        select(Symbol.signature, Symbol.docstring)
        .where(
            Symbol.file_id == Chunk.file_id,
            Symbol.qualified_name == Chunk.name,
            Symbol.start_line <= Chunk.start_line,
            Symbol.end_line >= Chunk.end_line,
        )
        .order_by(Symbol.start_line.desc())
        .limit(1)
        .lateral()
    )
    return (
        select(
            Chunk.id,
            Project.repo_name,
            Project.commit_id,
            SourceFile.path,
            Chunk.start_line,
            Chunk.end_line,
            SourceFile.blob,
            Project.branch_name,
            Chunk.name,
            Chunk.kind,
            func.coalesce(symbol.c.signature, ""),
            func.coalesce(symbol.c.docstring, ""),
        )
        .join(SourceFile, SourceFile.id == Chunk.file_id)
        .join(Project, Project.id == Chunk.project_id)
        .outerjoin(symbol, true())
        .where(Chunk.project_id.in_(_PROJECTS), Chunk.id.in_(_CHUNKS))
    )


HITS = _hits()
"""``(chunk id, repo, commit, path, first line, last line, blob, branch, name, kind, signature, docstring)`` of ``chunk_ids``.

Signature and docstring are those of the innermost definition around the chunk that bears its name."""


def definitions_named(project_ids: Sequence[UUID], name: str, limit: int) -> Rows:
    """Definitions whose qualified name is ``name``, ends with it, or is what it ends with; the longest match first."""
    exact = Symbol.qualified_name == name
    suffix = Symbol.qualified_name.endswith(f".{name}", autoescape=True)
    prefixed = literal(f".{name}").endswith("." + Symbol.qualified_name)
    return (
        definitions(project_ids)
        .where(Symbol.name == name.rsplit(".", 1)[-1], or_(exact, suffix, prefixed))
        .order_by(
            exact.desc(), suffix.desc(), func.length(Symbol.qualified_name).desc(), SourceFile.path, Symbol.id
        )
        .limit(limit)
    )


def definitions_like(project_ids: Sequence[UUID], name: str, limit: int) -> Rows:
    """Definitions with a name similar to the last part of ``name`` by trigrams, the most similar first."""
    last = name.rsplit(".", 1)[-1]
    return (
        definitions(project_ids)
        .where(Symbol.name.op("%")(last))
        .order_by(func.similarity(Symbol.name, last).desc(), SourceFile.path, Symbol.id)
        .limit(limit)
    )


def definitions(project_ids: Sequence[UUID]) -> Rows:
    """``(repo, commit, path, first line, last line, blob, branch, name, kind, signature, docstring)`` of definitions."""
    return (
        select(
            Project.repo_name,
            Project.commit_id,
            SourceFile.path,
            Symbol.start_line,
            Symbol.end_line,
            SourceFile.blob,
            Project.branch_name,
            Symbol.qualified_name,
            Symbol.kind,
            Symbol.signature,
            Symbol.docstring,
        )
        .join(SourceFile, SourceFile.id == Symbol.file_id)
        .join(Project, Project.id == Symbol.project_id)
        .where(Symbol.project_id.in_(project_ids))
    )


def calls_of(project_ids: Sequence[UUID], name: str, limit: int) -> Rows:
    """``(repo, commit, path, line, line, blob, branch, caller)`` of the calls of a name, in the order of the files."""
    last = name.rsplit(".", 1)[-1]
    keys = [key for project_id in project_ids for key in call_keys(project_id, [last])]
    call = (
        func.unnest(FileCalls.names, FileCalls.callers, FileCalls.lines)
        .table_valued("name", "caller", "line")
        .render_derived()
        .lateral()
    )
    return (
        select(
            Project.repo_name,
            Project.commit_id,
            SourceFile.path,
            call.c.line,
            call.c.line,
            SourceFile.blob,
            Project.branch_name,
            call.c.caller,
        )
        .select_from(FileCalls)
        .join(call, call.c.name == last)
        .join(SourceFile, SourceFile.id == FileCalls.file_id)
        .join(Project, Project.id == FileCalls.project_id)
        .where(FileCalls.project_id.in_(project_ids), FileCalls.keys.op("&&")(cast(keys, ARRAY(Integer))))
        .order_by(SourceFile.path, call.c.line)
        .limit(limit)
    )


def versions(project_ids: Sequence[UUID]) -> Rows:
    """``(id, repo_name, branch_name)`` of projects."""
    return select(Project.id, Project.repo_name, Project.branch_name).where(Project.id.in_(project_ids))


def file_content(paths: Mapping[UUID, str]) -> Rows:
    """``(repo_name, commit, path, blob, branch, bytes)`` of the files that have these paths in these projects, the oldest project's first."""
    return (
        select(
            Project.repo_name,
            Project.commit_id,
            SourceFile.path,
            SourceFile.blob,
            Project.branch_name,
            Blob.content,
        )
        .join(Project, Project.id == SourceFile.project_id)
        .join(Blob, (Blob.project_id == SourceFile.project_id) & (Blob.sha == SourceFile.blob))
        .where(tuple_(SourceFile.project_id, SourceFile.path).in_(list(paths.items())))
        .order_by(Project.id)
    )


def paths_matching(project_ids: Sequence[UUID], expression: str, limit: int) -> Rows:
    """``(path, repo_name, branch_name)`` of the indexed files that match a regular expression, sorted by code point."""
    path, repo = SourceFile.path.collate("C"), Project.repo_name.collate("C")
    branch = Project.branch_name.collate("C")
    return (
        select(path, repo, branch)
        .distinct()
        .join(Project, Project.id == SourceFile.project_id)
        .where(
            SourceFile.project_id.in_(project_ids),
            SourceFile.status == "indexed",
            SourceFile.path.regexp_match(expression),
        )
        .order_by(path, repo, branch)
        .limit(limit)
    )
