"""BM25F over the chunks that Postgres proposes: pure arithmetic, no I/O.

What is counted are concepts: a chunk that says ``credential`` for the asked ``password`` holds that concept a little.
A concept's weight comes from how rare it is *in its own project*. A chunk's labels (name, path, docstring, body) are
normalised by their average lengths before they are added up (Robertson & Zaragoza, "The Probabilistic Relevance
Framework", 2009, section 3.6).

What is left of the order is decided by what kind of place answers questions at all. Those factors were fitted to the
evaluation's tuned-on questions and rounded (docs/adr/0020).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from uuid import UUID

from riverrun.search.query_terms import Concept

LABELS = "ABCD"
LABEL_WEIGHTS = (4.0, 1.0, 1.0, 1.0)
LENGTH_NORMALISATION = (0.0, 0.0, 0.4, 0.4)
"""BM25's b for each label: 1 divides by the relative length in full, 0 not at all. A long name is no prose."""
SATURATION = 1.2
"""BM25's k1: how soon more of the same stops to count."""
WINDOW_FACTOR = 0.5
"""Lines between definitions answer a question less often than a definition does."""
CONSTRUCTOR_FACTOR = 0.8
"""A constructor names everything that its class knows, and does none of it."""
KIND_FACTORS = {"class": 0.65, "constant": 0.5}
"""What a class says outside its methods, and a constant, seldom say how something is done. Other kinds count in full."""
TEST_FACTOR = 0.6
"""Tests repeat the words of what they test."""
PATH_GAIN = 0.35
"""What a chunk gains when the question says its whole path, in parts of its score."""
BODY_EXPONENT = 0.05
"""Longer bodies do more of what is asked for: the score grows with this power of their length."""

_CONSTRUCTORS = frozenset(["__init__", "constructor"])
MOST_POSTINGS = 5_000
"""How many chunk entries are looked at to propose candidates, whatever the size of the project."""
FEWEST_SELECTING_TERMS = 2

_TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|spec|__tests__|examples?|fixtures)/|(^|/)(test_[^/]+|[^/]+_test\.\w+)$"
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What BM25 must know of a project: how many chunks, how long their labels are, how many hold each term."""

    chunks: int
    average_lengths: Sequence[float]
    frequencies: Mapping[str, int]

    def rarity(self, concept: Concept) -> float:
        """BM25's inverse document frequency, never negative; 0 for a concept that no chunk holds."""
        found = min(
            sum(weight * self.frequencies.get(term, 0) for term, weight in concept.items()), self.chunks
        )
        return log(1 + (self.chunks - found + 0.5) / (found + 0.5)) if found else 0.0


Corpora = Mapping[UUID, Corpus]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed chunk. ``labels`` has, for each of its ``terms``, a letter of ``ABCD`` for each time it stands there."""

    chunk_id: int
    project_id: UUID
    path: str
    name: str
    kind: str
    lengths: Sequence[int]
    terms: Sequence[str]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A chunk with its score, comparable within one query."""

    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True)
class SelectingTerm:
    """A term whose chunks are candidates; ``worth`` is what one of them gains by it."""

    term: str
    worth: float


def selecting_terms(corpora: Corpora, concepts: Sequence[Concept]) -> list[SelectingTerm]:
    """The terms to propose candidates by, the most telling first, as many as ``MOST_POSTINGS`` allows, at least two."""
    whole = merged(corpora.values(), concepts)
    worth: dict[str, float] = {}
    for concept in concepts:
        rarity = whole.rarity(concept)
        for term, weight in concept.items():
            if whole.frequencies.get(term):
                worth[term] = max(worth.get(term, 0.0), weight * rarity)
    chosen: list[SelectingTerm] = []
    postings = 0
    for term in sorted(worth, key=lambda term: (-worth[term], term)):
        postings += whole.frequencies[term]
        if postings > MOST_POSTINGS and len(chosen) >= FEWEST_SELECTING_TERMS:
            break
        chosen.append(SelectingTerm(term, worth[term]))
    return chosen


def merged(corpora: Iterable[Corpus], concepts: Sequence[Concept]) -> Corpus:
    """Several projects as if they were one; lengths are left out."""
    corpora = list(corpora)
    terms = {term for concept in concepts for term in concept}
    found = {term: sum(corpus.frequencies.get(term, 0) for corpus in corpora) for term in terms}
    return Corpus(sum(corpus.chunks for corpus in corpora), (), found)


def rank(
    corpora: Corpora, concepts: Sequence[Concept], candidates: Iterable[Candidate], limit: int
) -> list[Ranked]:
    """The best ``limit`` candidates, best first; equal scores in the order of their ids."""
    rarities = {
        project_id: [corpus.rarity(concept) for concept in concepts] for project_id, corpus in corpora.items()
    }
    wants_tests = any("test" in concept and concept["test"] == 1.0 for concept in concepts)
    asked, by_term = strongest(concepts), concepts_of_terms(concepts)
    scored = [
        Ranked(
            candidate.chunk_id,
            score(candidate, by_term, rarities[candidate.project_id], corpora[candidate.project_id])
            * prior(candidate, wants_tests=wants_tests)
            * (1 + PATH_GAIN * path_share(candidate, asked)),
        )
        for candidate in candidates
    ]
    return sorted(scored, key=lambda ranked: (-ranked.score, ranked.chunk_id))[:limit]


def concepts_of_terms(concepts: Sequence[Concept]) -> Mapping[str, Sequence[tuple[int, float]]]:
    """For each term the numbers of the concepts it belongs to, each with its weight there."""
    by_term: dict[str, list[tuple[int, float]]] = {}
    for number, concept in enumerate(concepts):
        for term, weight in concept.items():
            by_term.setdefault(term, []).append((number, weight))
    return by_term


def score(
    candidate: Candidate,
    by_term: Mapping[str, Sequence[tuple[int, float]]],
    rarities: Sequence[float],
    corpus: Corpus,
) -> float:
    """BM25F of one chunk: its concepts, each by rarity and by how much the chunk is about it.

    ``by_term`` is of ``concepts_of_terms``: this is done for hundreds of chunks on the event loop.
    """
    factors = label_factors(candidate.lengths, corpus.average_lengths)
    counts = [0.0] * len(rarities)
    for term, labels in zip(candidate.terms, candidate.labels, strict=True):
        count = sum([factors[label] for label in labels])
        for number, weight in by_term.get(term, ()):
            counts[number] += count * weight
    return sum([rarity * saturated(count) for rarity, count in zip(rarities, counts, strict=True) if count])


def label_factors(lengths: Sequence[int], average_lengths: Sequence[float]) -> dict[str, float]:
    """What one occurrence counts under each label of a chunk with these lengths."""
    return {
        label: weight / (1 - b + b * (length / average if average else 1.0))
        for label, weight, b, length, average in zip(
            LABELS, LABEL_WEIGHTS, LENGTH_NORMALISATION, lengths, average_lengths, strict=True
        )
    }


def saturated(count: float) -> float:
    """BM25's term weight: grows with the count, never beyond k1 + 1."""
    return count * (SATURATION + 1) / (count + SATURATION)


def prior(candidate: Candidate, *, wants_tests: bool) -> float:
    """How likely such a place answers anything, whatever was asked."""
    factor = KIND_FACTORS.get(candidate.kind, 1.0) if candidate.name else WINDOW_FACTOR
    if candidate.name.rpartition(".")[2] in _CONSTRUCTORS:
        factor *= CONSTRUCTOR_FACTOR
    if not wants_tests and _TEST_PATH.search(candidate.path):
        factor *= TEST_FACTOR
    return factor * float((1 + candidate.lengths[LABELS.index("D")]) ** BODY_EXPONENT)


def path_share(candidate: Candidate, asked: Concept) -> float:
    """How much of its path the question says: 0 nothing, 1 every term of it."""
    said = sum(
        asked.get(term, 0.0) * labels.count("B")
        for term, labels in zip(candidate.terms, candidate.labels, strict=True)
    )
    return said / max(candidate.lengths[LABELS.index("B")], 1)


def strongest(concepts: Iterable[Concept]) -> Concept:
    """Every term of the concepts with the greatest weight that one of them gives it."""
    weights: dict[str, float] = {}
    for concept in concepts:
        for term, weight in concept.items():
            weights[term] = max(weights.get(term, 0.0), weight)
    return weights
