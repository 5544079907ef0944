"""Workers tell Prometheus what their processes did, on a port of their own, and nobody else."""

import httpx2
from tests.e2e.conftest import METRICS_TOKEN
from tests.support.reading import ask, read_all
from tests.support.scraping import Scrape, assert_documented
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack

ANSWERED = "riverrun_attempts_total"


def scrape(stack: Stack) -> Scrape:
    answer = httpx2.get(address_of(stack), headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    return Scrape(answer.raise_for_status().text)


def address_of(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.settings.worker_metrics_port}/metrics"


def answered(seen: Scrape) -> float:
    return seen.value(ANSWERED, kind="answer", outcome="completed") or 0


def test_an_answered_question_is_counted_by_the_worker(
    stack: Stack, client: RiverrunClient, project_id: str
) -> None:
    before = answered(scrape(stack))
    read_all(client, ask(client, project_id, "What is middleware?"))
    wait_until(lambda: answered(scrape(stack)) > before)
    seen = scrape(stack)
    assert seen.value("riverrun_run_wait_seconds_count", kind="answer")
    assert seen.value("riverrun_process_info", part="chats") == 1
    assert seen.value("riverrun_worker_processes") == stack.settings.chat_concurrency
    assert seen.value("riverrun_worker_deaf_ends_total") == 0
    assert_documented(seen, "The workers")


def test_strangers_are_told_nothing(stack: Stack) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": METRICS_TOKEN}):
        answer = httpx2.get(address_of(stack), headers=headers)
        assert (answer.status_code, answer.content) == (401, b"")
