"""Which repository a person means."""

from pathlib import Path

import pytest

from riverrun.cli.repository_choice import RepositoryUnclear, choose_project, source_of


def project(
    source: str, name: str, indexed_at: str | None = "2026-01-01", branch: str = ""
) -> dict[str, object]:
    return {
        "source": source,
        "repo_name": name,
        "branch_name": branch,
        "indexed_at": indexed_at,
        "created_at": "2026-01-01",
    }


CLIENT = project("https://example.org/encode/client", "encode/client")
SERVER = project("/srv/code/server", "server", "2026-03-01")
INNER = project("/srv/code/server/inner", "inner")
HERE = Path("/nowhere")


@pytest.mark.parametrize("name", ["encode/client", "client", "https://example.org/Encode/Client.git"])
def test_a_repository_goes_by_its_name_its_last_name_or_its_url(name: str) -> None:
    assert choose_project([SERVER, CLIENT], name, HERE) is CLIENT


def test_a_folder_goes_by_its_path_also_a_relative_one() -> None:
    assert choose_project([SERVER, INNER], "./inner", Path("/srv/code/server")) is INNER


def test_without_a_name_the_innermost_repository_around_the_folder_is_meant() -> None:
    assert choose_project([SERVER, CLIENT, INNER], None, Path("/srv/code/server/inner/src")) is INNER
    assert choose_project([INNER, CLIENT, SERVER], None, Path("/srv/code/server/src")) is SERVER


def test_without_a_name_anywhere_else_the_one_indexed_last_is_meant() -> None:
    assert choose_project([CLIENT, SERVER, INNER], None, HERE) is SERVER


def test_an_unknown_name_says_how_to_index_it() -> None:
    with pytest.raises(RepositoryUnclear, match="riverrun index nothing"):
        choose_project([CLIENT], "nothing", HERE)


def test_nothing_indexed_says_how_to_begin() -> None:
    with pytest.raises(RepositoryUnclear, match="riverrun index"):
        choose_project([], None, HERE)


def test_a_name_of_two_repositories_lists_both() -> None:
    other = project("/other/client", "client")
    with pytest.raises(RepositoryUnclear, match=r"/other/client.*https://example.org"):
        choose_project([other | {"repo_name": "x/client"}, CLIENT], "client", HERE)


def test_of_a_repository_at_two_branches_one_is_named_by_its_branch() -> None:
    main, dev = (project("https://example.org/x/y", "x/y", branch=branch) for branch in ("main", "dev/2"))
    with pytest.raises(
        RepositoryUnclear, match=r"https://example.org/x/y@dev/2, https://example.org/x/y@main"
    ):
        choose_project([main, dev], "y", HERE)
    assert choose_project([main, dev], "y@dev/2", HERE) is dev
    assert choose_project([main, dev], "https://example.org/x/y@main", HERE) is main
    with pytest.raises(RepositoryUnclear, match="not indexed"):
        choose_project([main, dev], "y@other", HERE)


def test_without_a_branch_the_one_that_was_indexed_without_is_meant() -> None:
    plain, dev = (
        project("https://example.org/x/y", "x/y"),
        project("https://example.org/x/y", "x/y", branch="dev"),
    )
    assert choose_project([dev, plain], "y", HERE) is plain


def test_nothing_is_no_folder() -> None:
    with pytest.raises(RepositoryUnclear, match="name a folder"):
        source_of("", HERE)


def test_what_to_index_is_a_url_a_name_or_a_path(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert source_of("https://example.org/a/b", tmp_path) == {"repo_name": "https://example.org/a/b"}
    assert source_of("owner/name", tmp_path) == {"repo_name": "owner/name"}
    assert source_of("a/b", tmp_path) == {"repo_path": str(tmp_path / "a" / "b")}
    assert source_of("missing", tmp_path) == {"repo_path": str(tmp_path / "missing")}


def test_a_repository_that_was_never_indexed_to_the_end_is_not_asked_about() -> None:
    with pytest.raises(RepositoryUnclear, match="riverrun index /srv/new"):
        choose_project([project("/srv/new", "new", indexed_at=None)], "new", HERE)
