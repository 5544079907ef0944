"""Search in plain words over the indexed code of some projects, for the worker (sync) and for the API (async)."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from riverrun.agents.deps import Location, SearchHit
from riverrun.agents.places import told_version
from riverrun.search import statements
from riverrun.search.candidates import CANDIDATES, candidate_values
from riverrun.search.query_terms import Concept, query_concepts
from riverrun.search.ranking import Candidate, Corpora, Corpus, Ranked, rank, selecting_terms

MAX_HITS = 100


class SearchService:
    """Owns no transaction. ``project_ids`` is the scope: who may read these projects was asked before."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def search_codebase(self, project_ids: Sequence[UUID], query: str, limit: int = 10) -> list[SearchHit]:
        """The best-ranked pieces of code, best first; empty when nothing matches, whatever the query is."""
        concepts = query_concepts(query)
        scope = {"project_ids": project_ids}
        sizes = self._session.execute(statements.CORPUS_SIZES, scope)
        frequencies = self._session.execute(
            statements.TERM_FREQUENCIES, scope | {"terms": terms_of(concepts)}
        )
        corpora = read_corpora(sizes, frequencies)
        if not (selecting := selecting_terms(corpora, concepts)):
            return []
        asked = candidate_values(project_ids, selecting, known_terms(corpora))
        rows = self._session.execute(CANDIDATES, asked)
        ranked = rank(corpora, concepts, read_candidates(rows), min(limit, MAX_HITS))
        return read_hits(
            ranked, self._session.execute(statements.HITS, scope | {"chunk_ids": ids_of(ranked)})
        )


class AsyncSearchService:
    """The twin of ``SearchService`` for the API."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def search_codebase(
        self, project_ids: Sequence[UUID], query: str, limit: int = 10
    ) -> list[SearchHit]:
        """The best-ranked pieces of code, best first; empty when nothing matches, whatever the query is."""
        concepts = query_concepts(query)
        scope = {"project_ids": project_ids}
        sizes = await self._session.execute(statements.CORPUS_SIZES, scope)
        frequencies = await self._session.execute(
            statements.TERM_FREQUENCIES, scope | {"terms": terms_of(concepts)}
        )
        corpora = read_corpora(sizes, frequencies)
        if not (selecting := selecting_terms(corpora, concepts)):
            return []
        asked = candidate_values(project_ids, selecting, known_terms(corpora))
        rows = await self._session.execute(CANDIDATES, asked)
        ranked = rank(corpora, concepts, read_candidates(rows), min(limit, MAX_HITS))
        return read_hits(
            ranked, await self._session.execute(statements.HITS, scope | {"chunk_ids": ids_of(ranked)})
        )


def read_corpora(sizes: Iterable[Any], frequencies: Iterable[Any]) -> Corpora:
    """Join the rows of ``CORPUS_SIZES`` and ``TERM_FREQUENCIES`` by project."""
    found: dict[UUID, dict[str, int]] = {}
    for project_id, term, chunks in frequencies:
        found.setdefault(project_id, {})[term] = chunks
    return {
        project_id: Corpus(chunks, [length / max(chunks, 1) for length in lengths], found.get(project_id, {}))
        for project_id, chunks, lengths in sizes
    }


def terms_of(concepts: Sequence[Concept]) -> list[str]:
    """Every term of the concepts, once."""
    return sorted({term for concept in concepts for term in concept})


def known_terms(corpora: Corpora) -> list[str]:
    """Those of the asked terms that stand in one of the projects."""
    return sorted({term for corpus in corpora.values() for term in corpus.frequencies})


def read_candidates(rows: Iterable[Any]) -> Iterable[Candidate]:
    """The rows of ``CANDIDATES`` as the ranking wants them."""
    return (Candidate(*row) for row in rows)


def ids_of(ranked: Sequence[Ranked]) -> list[int]:
    return [chunk.chunk_id for chunk in ranked]


def read_hits(ranked: Sequence[Ranked], rows: Iterable[Any]) -> list[SearchHit]:
    """The rows of ``HITS`` in the order of the ranking; a chunk that an indexing run just took away is left out."""
    details = {row[0]: row[1:] for row in rows}
    return [read_hit(details[chunk.chunk_id], chunk.score) for chunk in ranked if chunk.chunk_id in details]


def read_hit(row: Sequence[Any], score: float) -> SearchHit:
    *place, name, kind, signature, docstring = row
    return SearchHit(location_in(place), name, kind, signature, docstring, score)


def location_in(place: Sequence[Any]) -> Location:
    """``(repo, commit, path, first line, last line, blob, branch)`` of a row."""
    repo, commit, path, first, last, blob, branch_name = place
    return Location(repo, commit, path, first, last, blob, version=told_version(branch_name))
