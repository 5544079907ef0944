"""Projects on the wire."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riverrun.kit.storable_text import StorableText
from riverrun.parsing.models import Project

_NOTHING: dict[str, Any] = {"enum": [None, ""]}
_SOMETHING: dict[str, Any] = {"type": "string", "minLength": 1}
ONE_SOURCE: dict[str, Any] = {
    "anyOf": [
        {
            "required": ["repo_path"],
            "properties": {
                "repo_path": _SOMETHING,
                "repo_name": _NOTHING,
                "branch_name": _NOTHING,
                "commit_id": {"enum": [None]},
            },
        },
        {
            "required": ["repo_name"],
            "properties": {"repo_name": _SOMETHING, "repo_path": _NOTHING, "commit_id": {"enum": [None]}},
        },
        {
            "required": ["repo_name"],
            "properties": {"repo_name": _SOMETHING, "repo_path": _NOTHING, "branch_name": _NOTHING},
        },
    ]
}
"""What ``one_source`` checks, for the API's document."""


class ParsingRequest(BaseModel):
    """What to index: a folder of the server's disk, or a git repository by https URL or ``owner/name``."""

    model_config = ConfigDict(json_schema_extra=ONE_SOURCE)

    repo_path: StorableText | None = Field(default=None, max_length=4096)
    repo_name: StorableText | None = Field(default=None, max_length=2048)
    branch_name: StorableText | None = Field(default=None, max_length=255)
    commit_id: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    """An exact commit of the repository, instead of the newest one of a branch."""

    @model_validator(mode="after")
    def one_source(self) -> Self:
        if bool(self.repo_path) == bool(self.repo_name):
            raise ValueError("give either repo_path (a folder) or repo_name (an https URL or owner/name)")
        if self.repo_path and (self.commit_id or self.branch_name):
            raise ValueError(
                "a folder is indexed as it lies there: commit_id and branch_name go with repo_name"
            )
        if self.commit_id and self.branch_name:
            raise ValueError("give either commit_id or branch_name")
        return self


class ParsingAccepted(BaseModel):
    """The run that indexes, to be followed under its id."""

    project_id: UUID
    status: str
    run_id: UUID
    session_id: UUID


class ProjectView(BaseModel):
    """A project as lists show it; ``run_id`` is the indexing run under way.

    Who is not its owner may ask about it and read it: somebody shares it with them.
    """

    id: UUID
    repo_name: str
    source: str
    branch_name: str
    commit_id: str | None
    status: str
    error: str | None
    files: int
    symbols: int
    run_id: UUID | None
    is_owner: bool
    created_at: datetime
    indexed_at: datetime | None

    @classmethod
    def of(cls, project: Project, run_id: UUID | None, viewer_id: UUID) -> "ProjectView":
        names = cls.model_fields.keys() - {"run_id", "is_owner"}
        is_owner = project.user_id == viewer_id
        return cls(run_id=run_id, is_owner=is_owner, **{name: getattr(project, name) for name in names})


class FileView(BaseModel):
    """A range of a file as it was indexed; ``html`` is the same text highlighted, escaped, safe."""

    repo: str
    commit: str | None
    path: str
    blob: str
    start_line: int
    end_line: int
    total_lines: int
    text: str
    html: str
