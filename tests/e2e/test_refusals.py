"""Bad input gets a clear word: a problem document, never a 500, never a hang."""

import socket
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from tests.support.reading import ask, read_all, read_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ApiProblem

QUESTION = "Which exceptions does the router raise for an unknown name?"


def assert_problem(answer: httpx2.Response, *statuses: int) -> dict[str, object]:
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    document: dict[str, object] = answer.json()
    assert document["type"]
    assert document["title"]
    assert document["status"] == answer.status_code
    assert document["detail"]
    return document


def post(http: httpx2.Client, conversation_id: str, content: object, **headers: str) -> httpx2.Response:
    path = f"/api/v1/conversations/{conversation_id}/message"
    return http.post(path, params={"background": "true"}, json={"content": content}, headers=headers)


@pytest.mark.parametrize("content", ["", "   \n\t ", None, 7, ["a"], "x" * 100_000])
def test_a_question_without_words_or_with_too_many_is_refused(
    http: httpx2.Client, conversation_id: str, content: object
) -> None:
    assert_problem(post(http, conversation_id, content), 413, 422)
    assert http.get(f"/api/v1/conversations/{conversation_id}/messages").json() == []


def test_a_body_that_is_no_json_is_refused(http: httpx2.Client, conversation_id: str) -> None:
    path = f"/api/v1/conversations/{conversation_id}/message"
    assert_problem(http.post(path, content=b"{", headers={"content-type": "application/json"}), 400, 422)


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "ünïcode"])
def test_a_wrong_token_is_a_401_everywhere(http: httpx2.Client, token: str) -> None:
    headers = [(b"Authorization", f"Bearer {token}".strip().encode())]
    for path in (
        "/api/v1/projects/list",
        "/api/v1/runs",
        f"/api/v1/runs/{uuid4()}/events",
        "/api/v1/account/me",
    ):
        assert_problem(http.get(path, headers=headers), 401)


def test_a_foreign_run_is_as_unknown_as_one_that_never_was(
    http: httpx2.Client, client: RiverrunClient, stranger: RiverrunClient, project_id: str
) -> None:
    run_id = ask(client, project_id, QUESTION)
    read_all(client, run_id)
    for method, suffix in (("GET", ""), ("GET", "/events"), ("POST", "/stop")):
        foreign, unknown = (
            stranger._http.request(method, f"/api/v1/runs/{one}{suffix}") for one in (run_id, uuid4())
        )
        assert_problem(foreign, 404)
        assert foreign.content == unknown.content
        assert varying(foreign) == varying(unknown)
    assert client.run(run_id)["status"] == "completed"


def varying(answer: httpx2.Response) -> dict[str, str]:
    """The headers, without those that differ from one answer to the next."""
    return {name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")}


def test_a_foreign_project_is_neither_asked_about_nor_read_nor_deleted(
    stranger: RiverrunClient, client: RiverrunClient, project_id: str
) -> None:
    for act in (
        lambda: stranger.start_conversation(project_id),
        lambda: stranger.project(project_id),
        lambda: stranger.file_lines(project_id, "routing.py", 1, 2),
        lambda: stranger._send("DELETE", f"/api/v1/projects/{project_id}"),
        lambda: stranger._send("POST", "/api/v1/search", json={"project_id": project_id, "query": "router"}),
    ):
        with pytest.raises(ApiProblem) as refusal:
            act()
        assert refusal.value.status == 404
    assert project_id not in [project["id"] for project in stranger.projects()]
    assert client.project(project_id)["status"] == "ready"


def test_an_id_that_is_no_id_is_refused_in_words(http: httpx2.Client) -> None:
    assert_problem(http.get("/api/v1/runs/not-an-id"), 404, 422)
    assert_problem(http.get("/api/v1/runs/not-an-id/events"), 404, 422)


def test_a_second_message_while_one_runs_is_refused_and_not_stored(
    http: httpx2.Client, client: RiverrunClient, conversation_id: str
) -> None:
    run_id = post(http, conversation_id, QUESTION).json()["run_id"]
    read_until(client, run_id, "text")
    assert_problem(post(http, conversation_id, "Another?"), 409)
    read_all(client, run_id)
    contents = [
        one["content"] for one in http.get(f"/api/v1/conversations/{conversation_id}/messages").json()
    ]
    assert QUESTION in contents
    assert "Another?" not in contents


def test_the_same_idempotency_key_is_the_same_run_before_and_after_its_end(
    http: httpx2.Client, client: RiverrunClient, conversation_id: str, key: str
) -> None:
    first = post(http, conversation_id, QUESTION, **{"Idempotency-Key": key})
    second = post(http, conversation_id, QUESTION, **{"Idempotency-Key": key})
    read_all(client, first.json()["run_id"])
    third = post(http, conversation_id, QUESTION, **{"Idempotency-Key": key})
    assert {first.status_code, second.status_code, third.status_code} == {202}
    assert len({answer.json()["run_id"] for answer in (first, second, third)}) == 1
    assert len(http.get(f"/api/v1/conversations/{conversation_id}/messages").json()) == 2


def test_a_path_that_is_no_folder_is_refused_by_name(http: httpx2.Client, tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text("x = 1\n")
    for path in (tmp_path / "missing", file):
        document = assert_problem(http.post("/api/v1/parse", json={"repo_path": str(path)}), 400, 422)
        assert path.name in str(document["detail"])


@pytest.mark.parametrize("path", ["relative/folder", "", "a\u0000b"])
def test_a_path_that_names_no_place_is_refused(http: httpx2.Client, path: str) -> None:
    assert_problem(http.post("/api/v1/parse", json={"repo_path": path}), 400, 422)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a/b",
        "ssh://example.org/a/b",
        "git@example.org:a/b",
        "file:///etc",
        "ext::sh -c id",
        "--upload-pack=id",
        "https://",
        "https://user:secret@example.org/a/b",
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(http: httpx2.Client, url: str) -> None:
    assert_problem(http.post("/api/v1/parse", json={"repo_name": url}), 400, 422)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_url_of_this_machine_is_never_connected_to(
    http: httpx2.Client, client: RiverrunClient, host: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://{host}:{listener.getsockname()[1]}/owner/name"
        answer = http.post("/api/v1/parse", json={"repo_name": url})
        if answer.status_code == 202:
            end = read_all(client, answer.json()["run_id"])[-1]
            assert end.data["status"] == "error"
            assert end.data["error"]["detail"]
        else:
            assert_problem(answer, 400, 422)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_neither_or_both_kinds_of_source_are_refused(http: httpx2.Client, tmp_path: Path) -> None:
    assert_problem(http.post("/api/v1/parse", json={}), 400, 422)
    both = {"repo_path": str(tmp_path), "repo_name": "owner/name"}
    assert_problem(http.post("/api/v1/parse", json=both), 400, 422)


def test_a_conversation_needs_repositories_that_exist(http: httpx2.Client) -> None:
    assert_problem(http.post("/api/v1/conversations", json={"project_ids": []}), 400, 422)
    assert_problem(http.post("/api/v1/conversations", json={"project_ids": [str(uuid4())]}), 404)


def test_an_unknown_route_is_a_problem_too(http: httpx2.Client) -> None:
    assert_problem(http.get("/api/v1/nothing"), 404)
    assert_problem(http.delete("/api/v1/runs"), 405)
