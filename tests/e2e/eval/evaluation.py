"""Index the packages as a user would and ask every question through the index that the agents use."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.e2e.eval.questions import Question, copy_package
from tests.e2e.eval.scoring import DEPTH, Answer, Target, first_right, targets

from riverrun.agents.deps import Location, SearchHit
from riverrun.agents.model_choice import choose_model
from riverrun.agents.runner import answer_question
from riverrun.infra.settings import Settings
from riverrun.parsing.indexer import index_project
from riverrun.parsing.models import Project
from riverrun.search.code_index import PostgresCodeIndex
from riverrun.users.models import User


@dataclass(frozen=True, slots=True)
class IndexedPackage:
    """A package in the index, without the docstrings that its questions were made of."""

    name: str
    root: Path
    project_id: UUID
    chunks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Cited:
    """A question and whether the built-in model's answer cites one of its places."""

    question: Question
    right: bool


def index_package(
    engine: Engine, package: str, questions: Sequence[Question], folder: Path
) -> IndexedPackage:
    """Copy a package without the docstrings that its questions were made of, and index the copy as a plain folder."""
    hidden = [place for question in questions if question.from_docstring for place in question.places]
    root = copy_package(package, folder, hidden)
    with Session(engine) as session:
        user = User(email=f"{package}@example.org", display_name=package)
        session.add(user)
        session.flush()
        project = Project(user_id=user.id, repo_name=package, source=str(root))
        session.add(project)
        session.commit()
        project_id = project.id
    report = index_project(
        engine,
        project_id,
        Settings(data_dir=folder / "data", allow_local_paths=True),
        progress=lambda *_: None,
        should_stop=lambda: False,
    )
    return IndexedPackage(package, root, project_id, report.chunks, report.seconds)


def ask_search(engine: Engine, package: IndexedPackage, questions: Sequence[Question]) -> Iterator[Answer]:
    """Put the plain questions to the search."""
    with Session(engine) as session:
        index = PostgresCodeIndex(session, [package.project_id])
        for question in questions:
            started = time.perf_counter()
            hits = index.search(question.text, limit=DEPTH)
            seconds = time.perf_counter() - started
            rank = first_right([hit.location for hit in hits], targets(package.root, question.places))
            yield Answer(question, rank, tuple(map(described, hits)), seconds)


def described(hit: SearchHit) -> str:
    return f"{hit.location.path}:{hit.location.start_line} {hit.name or '(between definitions)'}"


def ask_extractive_model(
    engine: Engine, package: IndexedPackage, questions: Sequence[Question]
) -> Iterator[Cited]:
    """Put the plain questions to the built-in model; an answer is right when one of its citations is."""
    with Session(engine) as session:
        index = PostgresCodeIndex(session, [package.project_id])
        for question in questions:
            wanted = targets(package.root, question.places)
            yield Cited(question, any(cites(place, wanted) for place in citations(index, question.text)))


def citations(index: PostgresCodeIndex, text: str) -> list[Location]:
    """The citation events of one answer."""
    cited: list[Location] = []

    def collect(event_type: str, fields: dict[str, object]) -> None:
        if event_type == "citation":
            cited.append(Location(**fields))  # type: ignore[arg-type]

    asyncio.run(answer_question(text, [], index, choose_model(None, None, None), collect))
    return cited


def cites(location: Location, wanted: Sequence[Target]) -> bool:
    return any(target.holds(location) for target in wanted)
