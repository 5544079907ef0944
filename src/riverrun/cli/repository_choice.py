"""Which of the indexed repositories a person means."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from riverrun.cli.client_errors import ClientError

Project = dict[str, Any]


class RepositoryUnclear(ClientError):
    """None of the repositories is meant, or more than one could be."""


def choose_project(projects: Sequence[Project], wanted: str | None, here: Path) -> Project:
    """The project that ``wanted`` names; without a name the one around ``here``, else the one indexed last.

    A name may be the repository's full or last name, its URL, or the path of its folder; where it was indexed at several
    branches, ``@`` and one of them behind it. Raises ``RepositoryUnclear``, also when the one that is meant has never
    been indexed to the end.
    """
    if not projects:
        raise RepositoryUnclear("nothing is indexed yet; begin with: riverrun index PATH_OR_URL")
    chosen = _the_one_meant(projects, here) if wanted is None else _the_one_named(projects, wanted, here)
    if not chosen["indexed_at"]:
        raise RepositoryUnclear(
            f"{chosen['repo_name']} is not indexed yet; go on with: riverrun index {chosen['source']}"
        )
    return chosen


def source_of(path_or_url: str, here: Path) -> dict[str, str]:
    """What the API calls it: ``{repo_name}`` of a URL or ``owner/name``, ``{repo_path}`` of everything else."""
    if not path_or_url.strip():
        raise RepositoryUnclear("name a folder, an https URL, or owner/name; `.` is the folder you are in")
    folder = (here / Path(path_or_url).expanduser()).resolve()
    looks_like_a_path = folder.exists() or path_or_url.startswith((".", "/", "~"))
    if "://" in path_or_url or (path_or_url.count("/") == 1 and not looks_like_a_path):
        return {"repo_name": path_or_url}
    return {"repo_path": str(folder)}


def _the_one_meant(projects: Sequence[Project], here: Path) -> Project:
    around = [project for project in projects if _contains(project["source"], here)]
    if around:
        return max(around, key=lambda project: len(project["source"]))
    return max(projects, key=lambda project: (project["indexed_at"] or "", project["created_at"]))


def _the_one_named(projects: Sequence[Project], wanted: str, here: Path) -> Project:
    found = _named(projects, wanted, here)
    if not found:
        name, _, branch = wanted.rpartition("@")
        found = [p for p in _named(projects, name, here) if p["branch_name"] == branch] if name else []
    if not found:
        raise RepositoryUnclear(f"{wanted} is not indexed; begin with: riverrun index {wanted}")
    if len(found) > 1 and len({project["source"] for project in found}) == 1:
        # Without a branch the one that was indexed without one is meant.
        found = [project for project in found if not project["branch_name"]] or found
    if len(found) > 1:
        names = ", ".join(sorted(map(_full_name, found)))
        raise RepositoryUnclear(f"{wanted} could be any of: {names}; name one by that")
    return found[0]


def _named(projects: Sequence[Project], wanted: str, here: Path) -> list[Project]:
    source = source_of(wanted, here)
    exact = [p for p in projects if p["source"] in source.values() or p["repo_name"] == wanted]
    return exact or [p for p in projects if _bare(p["source"]) == _bare(wanted) or _last_name(p) == wanted]


def _full_name(project: Project) -> str:
    branch = project["branch_name"]
    return f"{project['source']}@{branch}" if branch else str(project["source"])


def _bare(url: str) -> str:
    """A URL without its ending and case, since people write both ways."""
    return url.rstrip("/").removesuffix(".git").lower()


def _last_name(project: Project) -> str:
    return str(project["repo_name"]).rpartition("/")[2]


def _contains(source: str, here: Path) -> bool:
    return source.startswith("/") and here.resolve().is_relative_to(source)
