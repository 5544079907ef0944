"""Who may have the server read folders of its own disk."""

from pathlib import Path

from sqlalchemy import Engine
from tests.support.accounts import make_person
from tests.support.live_api import client_of, serving

from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
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
