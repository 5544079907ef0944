"""All that a tab follows comes over one connection: the real API, with workers that say what the test tells them to."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from sqlalchemy import Engine, insert
from tests.support.fault_proxy import FaultProxy
from tests.support.live_api import serving
from tests.support.page_driver import PageDriver
from tests.support.run_reading import keep
from tests.support.stories import make_run
from tests.support.waiting import wait_until_async

from riverrun.auth.sign_in import issue_one_time_token
from riverrun.conversations.agent_tasks import save_answer
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Project
from riverrun.runs.attempt import Attempt, Recorder
from riverrun.runs.models import RunKind
from riverrun.runs.performance import perform_run
from riverrun.streaming.multiplex import MultiplexStream

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOST = "The connection is lost"
HUGE = "a large result, " * 10_000


class ToldRun:
    """A run that a real attempt performs in a thread, event by event as it is told."""

    def __init__(self, run_id: UUID, worker: WorkerResources, record: Recorder) -> None:
        self._orders: Queue[tuple[str, dict[str, Any]] | None] = Queue()
        self._thread = Thread(target=perform_run, args=(run_id, worker, self._work, record))
        self._thread.start()

    def say(self, event_type: str, **fields: Any) -> None:
        self._orders.put((event_type, fields))

    def progress(self, done: int) -> None:
        self.say("progress", phase="parsing", done=done, total=10, unit="files")

    def end(self) -> None:
        self._orders.put(None)

    def close(self) -> None:
        self.end()
        self._thread.join()

    def _work(self, attempt: Attempt) -> None:
        for event_type, fields in iter(self._orders.get, None):
            attempt.emit(event_type, **fields)


Perform = Callable[[UUID, Recorder], ToldRun]


@pytest.fixture
def perform(worker: WorkerResources) -> Iterator[Perform]:
    """Begin a run; all that are begun have ended after the test."""
    with ExitStack() as stack:

        def begin(run_id: UUID, record: Recorder) -> ToldRun:
            told = ToldRun(run_id, worker, record)
            stack.callback(told.close)
            return told

        yield begin


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> list[MultiplexStream]:
    """The streams that the server has open."""
    streams: list[MultiplexStream] = []
    attach = MultiplexStream.attach

    @contextmanager
    def counted(stream: MultiplexStream) -> Iterator[Any]:
        with attach(stream) as reader:
            streams.append(stream)
            yield reader
            streams.remove(stream)

    monkeypatch.setattr(MultiplexStream, "attach", counted)
    return streams


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(settings: Settings, attached: list[MultiplexStream]) -> AsyncIterator[FaultProxy]:
    """The way to a server of this test alone."""
    async with serving(settings) as url:
        with FaultProxy(int(url.rpartition(":")[2])) as proxy:
            yield proxy


@pytest_asyncio.fixture(loop_scope="session")
async def driver(
    browser: Browser, proxy: FaultProxy, engine: Engine, user_id: UUID
) -> AsyncIterator[PageDriver]:
    """A window that is not signed in yet; ``sign_in`` opens the page."""
    driver = await PageDriver.open(browser, f"http://127.0.0.1:{proxy.port}")
    yield driver
    await driver.close()
    assert driver.faults == []


async def sign_in(driver: PageDriver, engine: Engine, user_id: UUID) -> None:
    await driver.go(f"/sign-in?token={issue_one_time_token(engine, user_id)}")


def make_project(engine: Engine, user_id: UUID, name: str) -> UUID:
    """A project that can be asked about."""
    project_id = new_uuid()
    values = {"id": project_id, "user_id": user_id, "repo_name": name, "source": f"/nowhere/{name}"}
    state = {"status": "ready", "branch_name": "", "files": 10, "symbols": 0, "created_at": now()}
    with engine.begin() as connection:
        connection.execute(insert(Project).values(**values, **state, indexed_at=now()))
    return project_id


def make_indexing(engine: Engine, user_id: UUID, name: str) -> UUID:
    """A project's queued indexing."""
    return make_run(engine, user_id, RunKind.INDEXING, make_project(engine, user_id, name))


async def ask(driver: PageDriver) -> UUID:
    """Ask about the project `ready`; the run that the page follows then."""
    await driver.choose("ready")
    before = driver.streams[-1] if driver.streams else {}
    count = len(driver.streams)
    await driver.ask("Why?")
    await wait_until_async(lambda: len(driver.streams) > count, what="the page to follow the answer")
    (run_id,) = driver.streams[-1].keys() - before.keys()
    return UUID(run_id)


async def until_one_stream(driver: PageDriver, attached: list[MultiplexStream]) -> None:
    """A stream that was left is noticed by both sides in a moment."""
    await wait_until_async(lambda: len(attached) == len(driver.open_streams) == 1, what="one stream")


async def test_indexings_and_an_answer_share_one_line_and_resume_exactly_when_it_is_cut(
    driver: PageDriver,
    proxy: FaultProxy,
    engine: Engine,
    user_id: UUID,
    perform: Perform,
    attached: list[MultiplexStream],
) -> None:
    make_project(engine, user_id, "ready")
    ids = [make_indexing(engine, user_id, name) for name in ("first", "second")]
    first, second = (perform(run_id, keep) for run_id in ids)
    await sign_in(driver, engine, user_id)
    first.progress(1)
    await expect(driver.repository("first")).to_contain_text("Parsing 1 of 10 files")
    assert driver.streams == [dict.fromkeys(map(str, ids), "0-0")]

    answer_id = await ask(driver)
    assert driver.streams[1:] == [{str(ids[0]): "1-3", str(ids[1]): "1-2", str(answer_id): "0-0"}]
    answer = perform(answer_id, save_answer)
    answer.say("text", text="one two ")
    second.progress(1)
    await driver.until_written(7)
    await expect(driver.repository("second")).to_contain_text("Parsing 1 of 10 files")
    await until_one_stream(driver, attached)

    proxy.cut()
    await expect(driver.page.get_by_text(LOST)).to_be_visible()
    first.progress(2)
    answer.say("text", text="three ")
    proxy.mend()
    await expect(driver.repository("first")).to_contain_text("Parsing 2 of 10 files")
    await expect(driver.writing).to_contain_text("one two three")
    await until_one_stream(driver, attached)
    where = {str(ids[0]): "1-3", str(ids[1]): "1-3", str(answer_id): "1-3"}
    assert driver.streams[2:] == [where] * len(driver.streams[2:])

    count = len(driver.streams)
    first.end()
    await expect(driver.repository("first")).to_contain_text("10 files · indexed")
    answer.say("text", text="four")
    answer.end()
    assert (await driver.until_complete()).strip() == "one two three four"
    second.progress(3)
    await expect(driver.repository("second")).to_contain_text("Parsing 3 of 10 files")
    assert len(driver.streams) == count
    await until_one_stream(driver, attached)


async def test_a_conversation_that_is_left_and_come_back_to_disturbs_no_indexing(
    driver: PageDriver, engine: Engine, user_id: UUID, perform: Perform, attached: list[MultiplexStream]
) -> None:
    make_project(engine, user_id, "ready")
    indexing_id = make_indexing(engine, user_id, "first")
    indexing = perform(indexing_id, keep)
    await sign_in(driver, engine, user_id)
    indexing.progress(1)
    await expect(driver.repository("first")).to_contain_text("Parsing 1 of 10 files")
    answer_id = await ask(driver)
    answer = perform(answer_id, save_answer)
    answer.say("text", text="one ")
    await driver.until_written(3)

    await driver.page.get_by_role("button", name="New question").click()
    await wait_until_async(lambda: driver.streams[-1] == {str(indexing_id): "1-3"})
    indexing.progress(2)
    await expect(driver.repository("first")).to_contain_text("Parsing 2 of 10 files")
    await driver.page.go_back()
    await driver.until_written(3)
    assert driver.streams[-1] == {str(indexing_id): "1-4", str(answer_id): "0-0"}
    answer.say("text", text="two")
    answer.end()
    assert (await driver.until_complete()).strip() == "one two"
    await until_one_stream(driver, attached)


async def test_a_result_too_large_for_its_event_is_shown_to_whoever_asks_for_it(
    driver: PageDriver, proxy: FaultProxy, engine: Engine, user_id: UUID, perform: Perform, tmp_path: Path
) -> None:
    make_project(engine, user_id, "ready")
    await sign_in(driver, engine, user_id)
    answer = perform(await ask(driver), save_answer)
    answer.say("tool_call", call_id="call/1 ä", name="read_file", arguments={"path": "a.py"})
    answer.say("tool_result", call_id="call/1 ä", result=HUGE)
    answer.say("text", text="It is long.")
    await driver.until_written(5)
    show = driver.page.get_by_role("button", name="Show result (160 kB)")
    await driver.page.locator(".activity > summary").click()
    await driver.page.locator(".steps summary").click()

    proxy.cut()
    await show.click()
    alert = driver.page.locator(".steps").get_by_role("alert")
    await expect(alert).to_contain_text("The server cannot be reached")
    proxy.mend()
    await show.click()
    result = driver.page.get_by_label("Result", exact=True)
    await expect(result).to_be_focused()
    assert await result.text_content() == HUGE
    await expect(show).to_have_count(0)

    answer.end()
    await driver.until_complete()
    await expect(result).to_be_visible()
    await driver.page.reload()
    await driver.until_complete()
    await driver.page.locator(".activity > summary").click()
    await driver.page.locator(".steps summary").click()
    await driver.page.screenshot(path=tmp_path / "show_result.png")
    await show.click()
    assert await result.text_content() == HUGE
