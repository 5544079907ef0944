"""Who may have the server read folders of its own disk."""

import secrets
from pathlib import Path

import httpx2
from sqlalchemy import Engine
from tests.support.accounts import make_person
from tests.support.live_api import client_of, serving

from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
from riverrun.code_provider.repository_address import MAX_ADDRESS_CHARS
from riverrun.infra.settings import Settings


async def test_an_administrator_may_index_a_folder_of_the_server(
    base_url: str, engine: Engine, tmp_path: Path
) -> None:
    token = issue_bearer_token(engine, ensure_administrator(engine), "test")
    async with client_of(base_url, token) as administrator:
        accepted = await administrator.post("/api/v1/parse", json={"repo_path": str(tmp_path)})
        assert accepted.status_code == 202
        no_name = await administrator.post("/api/v1/parse", json={"repo_path": "/" + "x" * 300})
        assert no_name.status_code == 422


async def test_addresses_and_branches_as_long_as_may_be_are_stored_and_longer_ones_refused(
    client: httpx2.AsyncClient,
) -> None:
    """Random letters: what can be compressed would fit into the index anyway."""
    start = "https://h.example/"
    longest = start + secrets.token_urlsafe(MAX_ADDRESS_CHARS)[: MAX_ADDRESS_CHARS - len(start) - 1] + "x"
    branch = "".join(chr(0x20000 + secrets.randbelow(40_000)) for _ in range(255))
    given = {"repo_name": longest, "branch_name": branch}
    assert (await client.post("/api/v1/parse", json=given)).status_code == 202
    cjk_host = "".join(chr(0x4E00 + secrets.randbelow(20_000)) for _ in range(1_500))
    for address in (f"{start}{secrets.token_urlsafe(1_500)[:1_980]}", f"https://{cjk_host}/a/b"):
        refused = await client.post("/api/v1/parse", json={"repo_name": address, "branch_name": branch})
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/address-refused")


async def test_a_folder_of_too_long_a_path_is_refused(base_url: str, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*("ö" * 120 for _ in range(5)))
    folder.mkdir(parents=True)
    token = issue_bearer_token(engine, ensure_administrator(engine), "test")
    async with client_of(base_url, token) as administrator:
        refused = await administrator.post("/api/v1/parse", json={"repo_path": str(folder)})
        assert refused.json()["type"] == "/problems/source-refused"
        assert "longer than 1,000 bytes" in refused.json()["detail"]


async def test_nobody_indexes_the_servers_own_data_folder(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """It holds the passwords of the servers, and the keys of what is sealed."""
    own = tmp_path / "own"
    (own / "logs").mkdir(parents=True)
    (tmp_path / "a way in").symlink_to(own)
    token = issue_bearer_token(engine, ensure_administrator(engine), "test")
    async with (
        serving(settings.model_copy(update={"data_dir": own})) as base_url,
        client_of(base_url, token) as administrator,
    ):
        for folder in (own, own / "logs", tmp_path / "a way in"):
            refused = await administrator.post("/api/v1/parse", json={"repo_path": str(folder)})
            assert refused.json()["type"] == "/problems/source-refused"
            assert "own data folder" in refused.json()["detail"]


async def test_nobody_else_reads_the_servers_disk(base_url: str, engine: Engine, tmp_path: Path) -> None:
    """Its data folder holds every password that there is, also the command line's token."""
    (tmp_path / "client.json").write_text("{}")
    ann = make_person(engine, "ann@example.org")
    async with client_of(base_url, ann.token) as client:
        for route in ("parse", "parsing-status"):
            for path in (str(tmp_path), f"{tmp_path}/../{tmp_path.name}", "/", "not/absolute"):
                refused = await client.post(f"/api/v1/{route}", json={"repo_path": path})
                assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
        assert (await client.get("/api/v1/projects/list")).json() == []
