"""What search asks of Postgres, as data: nothing here opens, awaits or logs. Every statement is scoped to projects."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Float,
    Integer,
    Select,
    Text,
    any_,
    bindparam,
    case,
    cast,
    column,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from riverrun.parsing.call_keys import call_keys
from riverrun.parsing.models import Blob, Chunk, FileCalls, Project, SourceFile, Symbol, TermFrequency
from riverrun.search.ranking import SelectingTerm

Rows = Select[*tuple[Any, ...]]

MOST_CANDIDATES = 300
"""How many chunks Postgres proposes for the exact ranking."""


_PROJECTS: BindParameter[Any] = bindparam("project_ids", expanding=True)
_QUERIES = bindparam("queries", type_=ARRAY(Text))
_NAME_QUERIES = bindparam("name_queries", type_=ARRAY(Text))
_WORTHS = bindparam("worths", type_=ARRAY(Float))
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


def _proposals() -> Rows:
    """``(id)`` of the chunks worth ranking: those whose terms sum up to most, a term in the name counting twice.

    Two looks into indexes a term, at texts and at paths, which cost what its chunks in these projects cost; one statement,
    however many terms.
    """
    asked = (
        func.unnest(cast(_QUERIES, ARRAY(TSQUERY)), cast(_NAME_QUERIES, ARRAY(TSQUERY)), _WORTHS)
        .table_valued(column("query", TSQUERY), column("in_name", TSQUERY), column("worth", Float))
        .render_derived()
    )
    holds, in_name = Chunk.terms.bool_op("@@")(asked.c.query), Chunk.terms.bool_op("@@")(asked.c.in_name)
    files = (
        select(SourceFile.id)
        .where(SourceFile.project_id.in_(_PROJECTS), SourceFile.path_terms.bool_op("@@")(asked.c.query))
        .correlate(asked)
    )
    in_path = Chunk.file_id == any_(func.array(files.scalar_subquery()))
    holding = union_all(
        # Fences: without them the planner may read every chunk for every term.
        select(Chunk.id, in_name.label("in_name")).where(Chunk.project_id.in_(_PROJECTS), holds).offset(0),
        select(Chunk.id, false()).where(in_path, not_(holds)).offset(0),
    ).lateral()
    gain = asked.c.worth * case((holding.c.in_name, 2.0), else_=1.0)
    return (
        select(holding.c.id)
        .select_from(asked)
        .join(holding, true())
        .group_by(holding.c.id)
        .order_by(func.sum(gain).desc(), holding.c.id)
        .limit(MOST_CANDIDATES)
    )


def _candidates() -> Rows:
    proposed = _proposals().subquery()
    terms_of_chunk = SourceFile.path_terms.op("||")(Chunk.terms)
    lexeme = func.unnest(terms_of_chunk).table_valued("lexeme", "positions", "weights").lateral()
    found = (
        select(
            func.array_agg(lexeme.c.lexeme).label("terms"),
            func.array_agg(func.array_to_string(lexeme.c.weights, "")).label("labels"),
        )
        .select_from(lexeme)
        .where(lexeme.c.lexeme == any_(_TERMS))
        .lateral()
    )
    return (
        select(
            Chunk.id,
            Chunk.project_id,
            SourceFile.path,
            Chunk.name,
            Chunk.kind,
            Chunk.lengths,
            found.c.terms,
            found.c.labels,
        )
        .join(proposed, proposed.c.id == Chunk.id)
        .join(SourceFile, SourceFile.id == Chunk.file_id)
        .join(found, true())
    )


CANDIDATES = _candidates()
"""``(chunk id, project_id, path, name, kind, lengths, [term], [labels])``: which of the asked terms stand where in the chunks
that gain most by the selecting ones; executed with ``candidate_values``."""


def candidate_values(
    project_ids: Sequence[UUID], selecting: Sequence[SelectingTerm], terms: Sequence[str]
) -> dict[str, Any]:
    """What ``CANDIDATES`` is executed with."""
    chosen = [one.term for one in selecting]
    return {
        "project_ids": list(project_ids),
        "queries": text_queries(chosen),
        "name_queries": text_queries(chosen, "A"),
        "worths": [exactly_summed(one.worth) for one in selecting],
        "terms": list(terms),
    }


def exactly_summed(worth: float) -> float:
    """The worth in 1024ths: their sums are the same in whatever order Postgres adds them up, and so are the candidates."""
    return round(worth * 1024) / 1024


def text_queries(terms: Sequence[str], labels: str = "") -> list[str]:
    """A text query for each term, under the given labels if any; quoted so that no term can be an operator."""
    escaped = (term.replace("\\", "\\\\").replace("'", "''") for term in terms)
    return [f"'{term}':{labels}" for term in escaped]


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
"""``(chunk id, repo, commit, path, first line, last line, blob, name, kind, signature, docstring)`` of chunks by ``chunk_ids``.

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
    """``(repo, commit, path, first line, last line, blob, name, kind, signature, docstring)`` of definitions."""
    return (
        select(
            Project.repo_name,
            Project.commit_id,
            SourceFile.path,
            Symbol.start_line,
            Symbol.end_line,
            SourceFile.blob,
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
    """``(repo, commit, path, line, line, blob, caller)`` of the calls of a name, in the order of the files."""
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


def file_content(project_ids: Sequence[UUID], path: str) -> Rows:
    """``(repo, commit, path, blob, bytes)`` of an indexed file; the oldest project's where several have the path."""
    return (
        select(Project.repo_name, Project.commit_id, SourceFile.path, SourceFile.blob, Blob.content)
        .join(Project, Project.id == SourceFile.project_id)
        .join(Blob, (Blob.project_id == SourceFile.project_id) & (Blob.sha == SourceFile.blob))
        .where(SourceFile.project_id.in_(project_ids), SourceFile.path == path)
        .order_by(Project.id)
        .limit(1)
    )


def paths_matching(project_ids: Sequence[UUID], expression: str, limit: int) -> Rows:
    """``(path)`` of the indexed files that match a regular expression, sorted by code point."""
    path = SourceFile.path.collate("C")
    return (
        select(path)
        .distinct()
        .where(
            SourceFile.project_id.in_(project_ids),
            SourceFile.status == "indexed",
            SourceFile.path.regexp_match(expression),
        )
        .order_by(path)
        .limit(limit)
    )
