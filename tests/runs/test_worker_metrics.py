"""A deaf worker leaves its count behind, and a port without a token is refused."""

import pytest
from pydantic import SecretStr
from tests.support.scraping import scrape_of

from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.kit.free_port import free_port
from riverrun.runs.run_metrics import shared_by
from riverrun.runs.worker_metrics import DEAF_TTL_SECONDS, WorkerMetrics, require_metrics_token


def metrics_of(settings: Settings) -> WorkerMetrics:
    return WorkerMetrics(settings, ["chats"], shared_by(1), processes=1)


def test_the_next_worker_knows_how_often_those_before_it_were_deaf(
    settings: Settings, sync_redis: SyncRedis
) -> None:
    metrics_of(settings).note_deaf()
    metrics_of(settings).note_deaf()
    assert scrape_of(metrics_of(settings).families()).value("riverrun_worker_deaf_ends_total") == 2
    [key] = sync_redis.keys("riverrun:deaf-ends:*")
    assert 0 < sync_redis.ttl(key) <= DEAF_TTL_SECONDS


def test_without_valkey_all_else_is_told(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    metrics = metrics_of(nowhere)
    metrics.note_deaf()
    seen = scrape_of(metrics.families())
    assert seen.value("riverrun_worker_deaf_ends_total") is None
    assert seen.value("riverrun_worker_processes") == 1


def test_a_port_needs_a_token(settings: Settings) -> None:
    open_to_all = settings.model_copy(update={"worker_metrics_port": free_port(), "metrics_token": None})
    with pytest.raises(MissingSetting, match="RIVERRUN_METRICS_TOKEN"):
        require_metrics_token(open_to_all)
    require_metrics_token(settings.model_copy(update={"worker_metrics_port": None}))
    require_metrics_token(open_to_all.model_copy(update={"metrics_token": SecretStr("a token")}))
