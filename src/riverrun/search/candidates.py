"""Which chunks a search ranks: those that hold most of what was asked for, as Postgres' indexes tell."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Float,
    Text,
    any_,
    bindparam,
    case,
    cast,
    column,
    false,
    func,
    not_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from riverrun.parsing.models import Chunk, SourceFile
from riverrun.search.ranking import SelectingTerm
from riverrun.search.statements import Rows

MOST_CANDIDATES = 300
"""How many chunks Postgres proposes for the exact ranking."""
MOST_WORTH = 2**20
"""Sums of hundreds of twice as much are far below 2**53, up to which floats are exact."""

_PROJECTS: BindParameter[Any] = bindparam("project_ids", expanding=True)
_QUERIES = bindparam("queries", type_=ARRAY(Text))
_NAME_QUERIES = bindparam("name_queries", type_=ARRAY(Text))
_WORTHS = bindparam("worths", type_=ARRAY(Float))
_TERMS = bindparam("terms", type_=ARRAY(Text))


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
        "worths": exactly_summed([one.worth for one in selecting]),
        "terms": list(terms),
    }


def exactly_summed(worths: Sequence[float]) -> list[float]:
    """The worths as whole numbers, the greatest a million: their sums are the same in whatever order Postgres adds them up.

    None becomes nothing: of a word that every chunk holds, those are still worth more that have it in their name.
    """
    greatest = max(worths)
    return [float(max(1, round(worth / greatest * MOST_WORTH))) for worth in worths]


def text_queries(terms: Sequence[str], labels: str = "") -> list[str]:
    """A text query for each term, under the given labels if any; quoted so that no term can be an operator."""
    escaped = (term.replace("\\", "\\\\").replace("'", "''") for term in terms)
    return [f"'{term}':{labels}" for term in escaped]
