"""BM25F over the chunks that Postgres proposes: pure arithmetic, no I/O.

A term's weight comes from how rare it is *in its own project*; each label of a chunk (name, path, docstring, body) is
normalised by its own average length before the labels are added up (Robertson & Zaragoza, "The Probabilistic
Relevance Framework", 2009, section 3.6).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from uuid import UUID

LABELS = "ABCD"
LABEL_WEIGHTS = (4.0, 2.0, 2.0, 1.0)
SATURATION = 1.2
"""BM25's k1: how soon more of the same term stops to count."""
LENGTH_NORMALISATION = 0.75
"""BM25's b: 1 divides by a label's relative length in full, 0 not at all."""

COMMON_SHARE = 0.05
"""A term that stands in more chunks than this share selects nothing and only helps to order."""
FEWEST_SELECTING_TERMS = 2
MOST_SELECTING_TERMS = 32


@dataclass(frozen=True, slots=True)
class Corpus:
    """What BM25 must know of a project: how many chunks, how long their labels are, how many hold each term."""

    chunks: int
    average_lengths: tuple[float, ...]
    frequencies: Mapping[str, int]

    def rarity(self, term: str) -> float:
        """BM25's inverse document frequency, never negative; 0 for a term that no chunk holds."""
        found = self.frequencies.get(term, 0)
        return log(1 + (self.chunks - found + 0.5) / (found + 0.5)) if found else 0.0


Corpora = Mapping[UUID, Corpus]


@dataclass(frozen=True, slots=True)
class Match:
    """A query term in a chunk; ``labels`` has one letter of ``ABCD`` for each time it stands there."""

    chunk_id: int
    project_id: UUID
    lengths: Sequence[int]
    term: str
    labels: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A chunk with its score, comparable within one query."""

    chunk_id: int
    score: float


def selecting_terms(corpora: Corpora, terms: Sequence[str]) -> dict[str, float]:
    """The terms worth a look into the index with their rarity over all projects, the rarest first.

    Those in at most 5 % of the chunks, or the two rarest where fewer are as rare. Terms that no chunk holds are out.
    """
    whole = merged(corpora.values(), terms)
    found = sorted(
        (term for term in terms if whole.frequencies[term]), key=lambda term: whole.frequencies[term]
    )
    rare = [term for term in found if whole.frequencies[term] <= COMMON_SHARE * whole.chunks]
    chosen = rare if len(rare) >= FEWEST_SELECTING_TERMS else found[:FEWEST_SELECTING_TERMS]
    return {term: whole.rarity(term) for term in chosen[:MOST_SELECTING_TERMS]}


def merged(corpora: Iterable[Corpus], terms: Sequence[str]) -> Corpus:
    """Several projects as if they were one; lengths are left out."""
    corpora = list(corpora)
    found = {term: sum(corpus.frequencies.get(term, 0) for corpus in corpora) for term in terms}
    return Corpus(sum(corpus.chunks for corpus in corpora), (), found)


def rank(corpora: Corpora, matches: Iterable[Match], limit: int) -> list[Ranked]:
    """The best ``limit`` chunks, best first; equal scores in the order of their ids."""
    scores: dict[int, float] = {}
    for match in matches:
        corpus = corpora[match.project_id]
        weight = corpus.rarity(match.term) * saturated(weighted_count(match, corpus.average_lengths))
        scores[match.chunk_id] = scores.get(match.chunk_id, 0.0) + weight
    best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return [Ranked(chunk_id, score) for chunk_id, score in best]


def weighted_count(match: Match, average_lengths: Sequence[float]) -> float:
    """How often the term stands in the chunk, each label weighted and normalised by its length."""
    count = 0.0
    for label, weight, length, average in zip(
        LABELS, LABEL_WEIGHTS, match.lengths, average_lengths, strict=True
    ):
        if times := match.labels.count(label):
            relative = length / average if average else 1.0
            count += weight * times / (1 - LENGTH_NORMALISATION + LENGTH_NORMALISATION * relative)
    return count


def saturated(count: float) -> float:
    """BM25's term weight: grows with the count, never beyond k1 + 1."""
    return count * (SATURATION + 1) / (count + SATURATION)
