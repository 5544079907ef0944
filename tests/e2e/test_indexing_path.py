"""Indexing is a run too: progress, stop, resume, only what changed."""

import shutil
from pathlib import Path

import pytest
from tests.support.indexing import index_folder
from tests.support.reading import assert_whole, read_all, read_until

from riverrun.cli.client import RiverrunClient


@pytest.fixture
def source(starlette_source: Path, tmp_path: Path) -> Path:
    """A copy that this test may change."""
    return shutil.copytree(starlette_source, tmp_path / "starlette")


@pytest.fixture
def large_source(starlette_source: Path, tmp_path: Path) -> Path:
    """Enough files for an indexing that lasts."""
    for number in range(40):
        shutil.copytree(starlette_source, tmp_path / "large" / f"copy_{number}")
    return tmp_path / "large"


def test_indexing_tells_its_progress_and_ends_ready(client: RiverrunClient, source: Path) -> None:
    started = client.parse({"repo_path": str(source)})
    events = read_all(client, started["run_id"])
    assert_whole(events)
    progress = [event.data for event in events if event.type == "progress"]
    assert progress
    assert all(
        0 <= one["done"] <= (one["total"] or one["done"]) and one["phase"] and one["unit"] for one in progress
    )
    project = client.project(started["project_id"])
    assert (project["status"], project["error"], project["run_id"]) == ("ready", None, None)
    assert project["files"] == len(list(source.rglob("*.py"))) + len(list(source.rglob("py.typed")))
    assert project["symbols"] > 300


def test_the_same_folder_is_the_same_project_and_a_second_run_sees_what_changed(
    client: RiverrunClient, source: Path
) -> None:
    before = index_folder(client, source)
    (source / "routing.py").unlink()
    (source / "herons.py").write_text(
        'def count_the_herons():\n    """How many herons stand in the river."""\n'
    )
    after = index_folder(client, source)
    assert after["id"] == before["id"]
    assert after["files"] == before["files"]
    found = client._object(
        "POST", "/api/v1/search", json={"project_id": after["id"], "query": "herons in the river"}
    )
    assert found["results"][0]["file_path"] == "herons.py"
    with pytest.raises(Exception, match="Not found"):
        client.file_lines(after["id"], "routing.py", 1, 2)


def test_two_starts_at_once_are_one_run(client: RiverrunClient, large_source: Path) -> None:
    first = client.parse({"repo_path": str(large_source)})
    second = client.parse({"repo_path": str(large_source)})
    assert second["run_id"] == first["run_id"]
    client.stop(first["run_id"])


def test_a_stopped_indexing_says_so_and_goes_on_later(client: RiverrunClient, large_source: Path) -> None:
    started = client.parse({"repo_path": str(large_source)})
    read_until(client, started["run_id"], "progress")
    receipt = client.stop(started["run_id"])
    assert receipt["status"] == "cancelled"
    events = read_all(client, started["run_id"])
    assert events[-1].data["status"] == "cancelled"
    assert client.project(started["project_id"])["status"] != "ready"
    assert index_folder(client, large_source)["status"] == "ready"


def test_an_empty_repository_says_that_it_is_empty(client: RiverrunClient, tmp_path: Path) -> None:
    started = client.parse({"repo_path": str(tmp_path)})
    end = read_all(client, started["run_id"])[-1]
    assert end.data["status"] == "error"
    assert "empty" in end.data["error"]["detail"]
    project = client.project(started["project_id"])
    assert project["status"] == "error"
    assert project["error"]


def test_a_host_that_cannot_be_reached_is_told_in_words(client: RiverrunClient) -> None:
    started = client.parse({"repo_name": "https://nobody.invalid/owner/name"})
    end = read_all(client, started["run_id"])[-1]
    assert end.data["status"] == "error"
    assert "nobody.invalid" in str(end.data["error"])


def test_one_bad_file_stops_nothing(client: RiverrunClient, source: Path) -> None:
    (source / "long_line.py").write_text("x = '" + "a" * 10_000_000 + "'\n")
    (source / "latin.py").write_bytes("name = 'Müller'\n".encode("latin-1"))
    (source / "nul.py").write_bytes(b"a = 1\0\0\0\n")
    (source / "broken.py").write_text("def (:\n" * 2000)
    (source / "loop").symlink_to(source)
    assert index_folder(client, source)["status"] == "ready"


def test_a_deleted_project_is_gone_with_everything(client: RiverrunClient, source: Path) -> None:
    project = index_folder(client, source)
    client._send("DELETE", f"/api/v1/projects/{project['id']}")
    assert project["id"] not in [one["id"] for one in client.projects()]
