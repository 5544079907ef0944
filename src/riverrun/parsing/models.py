"""Projects (indexed repositories) and what indexing finds in them.

Symbols, calls and chunks belong to a file, and term frequencies to a project, but by no foreign key: checking it row by
row took a quarter of Postgres' time. They are written in the transaction that writes their file or completes their
project, and a trigger takes them away with it.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class ProjectStatus(StrEnum):
    """The plan's words, in their order; ``ready`` is only ever said of a complete index."""

    SUBMITTED = "submitted"
    CLONED = "cloned"
    PARSED = "parsed"
    READY = "ready"
    ERROR = "error"


class Project(Base):
    """A repository of one user: a folder of the server's disk, or an https git URL."""

    __tablename__ = "projects"
    __table_args__ = (Index("uq_projects_source", "user_id", "source", "branch_name", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    repo_name: Mapped[str] = mapped_column(Text)
    """What people call it: ``owner/name`` of a URL, the folder's name of a path."""
    source: Mapped[str] = mapped_column(Text)
    """The absolute path of a folder, or the normalised https URL."""
    branch_name: Mapped[str] = mapped_column(Text, default="")
    """A branch, or a commit's full id; empty: the folder as it lies there, or the remote's default branch."""
    commit_id: Mapped[str | None] = mapped_column(Text)
    """The commit that is indexed; none for a folder without git."""
    status: Mapped[str] = mapped_column(Text, default=ProjectStatus.SUBMITTED)
    error: Mapped[str | None] = mapped_column(Text)
    files: Mapped[int] = mapped_column(Integer, default=0)
    symbols: Mapped[int] = mapped_column(Integer, default=0)
    chunks: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    label_lengths: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{0,0,0,0}'"))
    """How many terms its chunks have in all under each label A, B, C, D."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    indexed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Blob(Base):
    """A file's bytes as they were indexed, under git's own hash of them: what citations are checked against.

    They stay when the file changes or goes, for answers that cite them; they go with the project.
    """

    __tablename__ = "blobs"

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    sha: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class SourceFile(Base):
    """A file of a project. ``status`` is ``indexed``, ``skipped`` or ``failed``; ``reason`` says why not indexed."""

    __tablename__ = "source_files"
    __table_args__ = (
        Index("uq_source_files_path", "project_id", "path", unique=True),
        Index(
            "ix_source_files_path_terms",
            "path_terms",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(Text)
    """Relative to the root, with forward slashes."""
    blob: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    lines: Mapped[int] = mapped_column(Integer, default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it is not indexed, or what is odd about it."""
    stamp: Mapped[str] = mapped_column(Text, default="")
    """While it stays the same, so does the file (a folder's times and inode, git's blob); empty: look again."""
    recipe: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Which version of the extraction made its rows; a file of an older one is indexed again."""
    path_terms: Mapped[str] = mapped_column(TSVECTOR, server_default=text("''"))
    """The terms of its path, which count in each of its chunks, under the label B. Of an older recipe: empty, for
    the chunks hold them."""


class Symbol(Base):
    """A definition with its range, 1-based and inclusive. ``qualified_name`` joins its parents by dots."""

    __tablename__ = "symbols"
    __table_args__ = (
        Index("ix_symbols_file", "file_id"),
        Index("ix_symbols_name", "project_id", "name"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    project_id: Mapped[UUID]
    file_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    qualified_name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    """``class function method interface struct enum trait module constant type``."""
    start_line: Mapped[int] = mapped_column(Integer)
    end_line: Mapped[int] = mapped_column(Integer)
    signature: Mapped[str] = mapped_column(Text)
    docstring: Mapped[str] = mapped_column(Text, default="")


class FileCalls(Base):
    """The calls of a file: inside ``callers[i]`` (a qualified name, empty at module level) ``names[i]`` is called,
    first at ``lines[i]``. ``keys`` has a number for each name, the project's own, and is what they are found by."""

    __tablename__ = "file_calls"
    __table_args__ = (Index("ix_file_calls_keys", "keys", postgresql_using="gin"),)

    file_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    project_id: Mapped[UUID]
    keys: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    names: Mapped[list[str]] = mapped_column(ARRAY(Text))
    callers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    lines: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class Chunk(Base):
    """A searchable piece of a file: a definition, or a window of what lies between definitions.

    ``terms`` carries the labels A (name), C (docstring and comments), D (body); B (path) is the file's, who writes it
    once. ``lengths`` counts the terms under each label, in that order, for BM25's length normalisation.
    """

    __tablename__ = "chunks"
    __table_args__ = (
        Index("ix_chunks_file", "file_id"),
        Index("ix_chunks_terms", "project_id", "terms", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    project_id: Mapped[UUID]
    file_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    """The definition's qualified name; empty for a window."""
    kind: Mapped[str] = mapped_column(Text)
    start_line: Mapped[int] = mapped_column(Integer)
    end_line: Mapped[int] = mapped_column(Integer)
    terms: Mapped[str] = mapped_column(TSVECTOR)
    lengths: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default=text("'{0,0,0,0}'"))


class TermFrequency(Base):
    """In how many chunks of a project a term stands: what makes a word rare *in this repository*."""

    __tablename__ = "term_frequencies"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(Text, primary_key=True)
    chunks: Mapped[int] = mapped_column(Integer)
