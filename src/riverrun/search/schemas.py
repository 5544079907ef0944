"""Search on the wire."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel

from riverrun.agents.deps import SearchHit


class SearchRequest(BaseModel):
    """A question in plain words, of any length, about one project."""

    project_id: UUID
    query: str


class FoundCode(BaseModel):
    """A piece of code; ``relevance`` compares the results of one search, the first has the greatest."""

    name: str
    kind: str
    file_path: str
    start_line: int
    end_line: int
    signature: str
    docstring: str
    relevance: float

    @classmethod
    def of(cls, hit: SearchHit) -> Self:
        return cls(
            name=hit.name,
            kind=hit.kind,
            file_path=hit.location.path,
            start_line=hit.location.start_line,
            end_line=hit.location.end_line,
            signature=hit.signature,
            docstring=hit.docstring,
            relevance=round(hit.score, 3),
        )


class SearchResults(BaseModel):
    """The best first; empty when nothing matches."""

    results: list[FoundCode]
