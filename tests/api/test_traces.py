"""One trace leads from the request through the worker to the last event, and says nothing that anybody wrote."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.asking import answer, ask
from tests.support.fake_collector import FakeCollector, fake_collector
from tests.support.live_api import client_of, serving
from tests.support.run_reading import row_of

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra import trace_export
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.infra.tracing import NO_TRACING, open_tracing
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.free_port import free_port

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS_SPAN = "00f067aa0ba902b7"
TRACEPARENT = f"00-{CALLER}-{CALLERS_SPAN}-01"
QUESTION = "Where is the zebra?"


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with fake_collector() as collector:
        yield collector


@pytest.fixture
def settings(settings: Settings, collector: FakeCollector) -> Settings:
    return settings.model_copy(update={"otlp_endpoint": collector.url})


async def test_one_trace_leads_from_the_request_to_the_last_event(
    collector: FakeCollector,
    settings: Settings,
    engine: Engine,
    user_id: UUID,
    project_id: UUID,
    worker: WorkerResources,
) -> None:
    async with (
        serving(settings) as url,
        client_of(url, issue_bearer_token(engine, user_id, "test")) as client,
    ):
        made = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
        conversation = f"/api/v1/conversations/{made.json()['conversation_id']}"
        asked = await ask(client, conversation, QUESTION, traceparent=TRACEPARENT)
        run_id = asked.json()["run_id"]
        await answer(worker, run_id)
    await asyncio.to_thread(worker.tracing.close)
    spans = {span.name: span for span in collector.spans if span.trace_id == CALLER}
    request, attempt, end = (
        spans[name] for name in ("POST /api/v1/conversations/{conversation_id}/message", "attempt", "end")
    )
    [model] = [span for name, span in spans.items() if name.startswith("chat ")]
    assert request.parent_id == CALLERS_SPAN
    assert attempt.parent_id == request.span_id
    assert end.parent_id == attempt.span_id
    assert (request.service, attempt.service) == ("riverrun-api", "riverrun-worker")
    assert request.facts["riverrun.run_id"] == attempt.facts["riverrun.run_id"] == run_id
    assert attempt.facts["riverrun.outcome"] == end.facts["riverrun.status"] == "completed"
    assert attempt.began <= model.began <= model.ended <= end.began <= end.ended <= attempt.ended
    assert row_of(engine, UUID(run_id)).traceparent == f"00-{CALLER}-{request.span_id}-01"
    everything = "".join(span.everything for span in collector.spans)
    assert "zebra" not in everything
    assert conversation not in everything


async def test_a_caller_who_wants_no_trace_gets_none(
    collector: FakeCollector, client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    unsampled = f"{TRACEPARENT[:-1]}0"
    asked = await ask(client, conversation, QUESTION, traceparent=unsampled)
    await answer(worker, asked.json()["run_id"])
    await asyncio.to_thread(worker.tracing.close)
    assert "attempt" not in {span.name for span in collector.spans}


async def test_a_collector_that_is_away_keeps_nobody_waiting(
    collector: FakeCollector, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = settings.model_copy(update={"otlp_endpoint": f"http://127.0.0.1:{free_port()}"})
    async with serving(nowhere) as url, client_of(url) as client:
        assert (await client.get("/health/live")).status_code == 200
    assert collector.spans == []


def test_that_something_failed_is_told_without_its_words(
    collector: FakeCollector, worker: WorkerResources
) -> None:
    with pytest.raises(ValueError, match="zebra"), worker.tracing.span("attempt"):
        raise ValueError(QUESTION)
    worker.tracing.close()
    [span] = collector.spans
    assert "STATUS_CODE_ERROR" in span.everything
    assert "zebra" not in span.everything


def test_without_a_collector_nothing_is_traced(settings: Settings) -> None:
    assert open_tracing(settings.model_copy(update={"otlp_endpoint": None}), "api") is NO_TRACING


def test_a_collector_without_the_extra_is_a_setting_that_is_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "riverrun.infra.trace_export", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingSetting, match=r"riverrun\[otel\]"):
        open_tracing(settings, "api")


@pytest.mark.parametrize("nothing", ["otlp_endpoint", "metrics_token", "worker_metrics_port"])
def test_a_variable_that_is_set_to_nothing_is_not_set(nothing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"RIVERRUN_{nothing.upper()}", "")
    assert getattr(Settings(_env_file=None), nothing) is None


def test_a_collector_that_hangs_keeps_no_process_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_export, "CLOSE_SECONDS", 0.01)
    let_go = threading.Event()

    class Hanging:
        def shutdown(self) -> None:
            let_go.wait()

    trace_export.shut_down(Hanging())  # type: ignore[arg-type]
    assert "last spans" in {thread.name for thread in threading.enumerate()}
    let_go.set()
