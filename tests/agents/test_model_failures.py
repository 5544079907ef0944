"""A provider's failures over a real socket."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError
from pydantic_ai.models import StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from tests.agents.fake_model_server import (
    FakeModelServer,
    Reply,
    breaks_off,
    event,
    fake_model_server,
    finish,
    hangs_after,
    refuses,
    streams,
    streams_bytes_singly,
    text,
    tool_call,
)
from tests.agents.folder_index import FolderIndex
from tests.agents.recorded_events import RecordedEvents
from tests.support.waiting import wait_until_async

from riverrun.agents.errors import AgentFailed
from riverrun.agents.failure_explanation import explain
from riverrun.agents.failure_log import log_failure
from riverrun.agents.model_choice import choose_model
from riverrun.agents.runner import Limits, answer_question

INDEX = FolderIndex({"net.py": "def retry():\n    pass\n"})
KEY = "sk-very-secret"


async def ask(server: FakeModelServer, events: RecordedEvents, limits: Limits | None = None) -> None:
    model = choose_model("served-model", server.base_url, KEY)
    await answer_question("How does it retry?", [], INDEX, model, events.emit, limits)


async def failure_of(*replies: Reply, limits: Limits | None = None) -> tuple[AgentFailed, str]:
    events = RecordedEvents()
    async with fake_model_server(*replies) as server:
        with pytest.raises(AgentFailed) as failure:
            await ask(server, events, limits)
    assert KEY not in str(failure.value)
    return failure.value, events.text


async def test_an_answer_streams_through_tools_and_back() -> None:
    events = RecordedEvents()
    async with fake_model_server(
        streams(text("Let me look."), tool_call("search_code", '{"query": "retry"}'), finish("tool_calls")),
        streams(text("It does nothing [net"), text(".py:1-2]."), finish()),
    ) as server:
        await ask(server, events)
    assert events.text == "Let me look.\n\nIt does nothing [net.py:1-2]."
    assert len(events.of("citation")) == 1
    assert server.requests[0]["model"] == "served-model"
    assert server.requests[1]["messages"][-1]["role"] == "tool"


async def test_characters_cut_into_single_bytes_arrive_whole() -> None:
    events = RecordedEvents()
    async with fake_model_server(
        streams_bytes_singly(text("é漢😀 "), text("[net.py:1]"), finish())
    ) as server:
        await ask(server, events)
    assert events.text == "é漢😀 [net.py:1]"


async def test_a_surrogate_pair_cut_between_two_events_arrives_whole() -> None:
    halves = [text("@").replace(b"@", half) for half in (b"\\ud83d", b"\\ude00")]
    events = RecordedEvents()
    async with fake_model_server(streams(*halves, finish())) as server:
        await ask(server, events)
    assert events.text == "😀"


@pytest.mark.parametrize(
    ("reply", "title", "words"),
    [
        (
            refuses(429, {"message": "slow down"}, "Retry-After: 7\r\n"),
            "The model is rate limited",
            "in 7 seconds",
        ),
        (
            refuses(429, {"message": "x"}, "Retry-After: 86400\r\n"),
            "The model is rate limited",
            "in 24 hours",
        ),
        (refuses(429, {"message": "x"}, "Retry-After: 121\r\n"), "The model is rate limited", "in 3 minutes"),
        (refuses(429, {"code": "insufficient_quota"}), "The model's quota is used up", "no credit"),
        (
            refuses(401, {"message": f"bad key {KEY}"}),
            "The model refused the API key",
            "RIVERRUN_MODEL_API_KEY",
        ),
        (
            refuses(403, {"message": f"bad key {KEY}"}),
            "The model refused the API key",
            "RIVERRUN_MODEL_API_KEY",
        ),
        (refuses(404, {"code": "model_not_found"}), "There is no such model", "'served-model'"),
        (refuses(400, {"message": "no tools here"}), "The model rejected the request", "no tools here"),
        (
            refuses(400, {"code": "context_length_exceeded", "message": "x"}),
            "The conversation is too long for the model",
            "new conversation",
        ),
        (
            refuses(400, {"message": f"bad header Authorization: Bearer {KEY}; and {KEY}, sk-another-key-1"}),
            "The model rejected the request",
            "said: bad header Authorization: […] and […], […]",
        ),
        (refuses(405, {}), "The model failed", "said: status 405"),
        (
            refuses(
                400,
                {
                    "type": "exceed_context_size_error",
                    "message": "the request exceeds the available context size, try increasing it",
                },
            ),
            "The conversation is too long for the model",
            "new conversation",
        ),
        (refuses(500, {"message": "x"}), "The model's server failed", "later"),
        (refuses(503, {"message": "x"}), "The model's server failed", "later"),
        (streams(b"<html>\n\n"), "The model gave no answer", "again"),
        (streams(finish()), "The model gave no answer", "again"),
        (
            streams(tool_call("search_code", "{bad"), finish("tool_calls")),
            "The model kept making malformed tool calls",
            "",
        ),
    ],
)
async def test_a_refusal_is_explained(reply: Reply, title: str, words: str) -> None:
    failure, answer = await failure_of(reply)
    assert (failure.title, answer) == (title, "")
    assert words in failure.detail


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (refuses(401, {"message": f"Received API Key = {KEY}"}), "status 401, model served-model"),
        (refuses(400, {"message": f"Received API Key = {KEY}"}), "status 400, model served-model"),
        (refuses(500, {"message": f"Received API Key = {KEY}"}), "status 500, model served-model"),
        (
            streams(text("Half"), b'data: {"error": {"message": "%s", "type": "x"}}\n\n' % KEY.encode()),
            "model fake",
        ),
    ],
)
async def test_the_log_tells_of_an_answer_without_a_word_of_it(
    reply: Reply, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="riverrun.agents"):
        async with fake_model_server(reply) as server:
            with pytest.raises(AgentFailed):
                await ask(server, RecordedEvents())
    (told,) = [line for line in caplog.records if "the model failed" in line.getMessage()]
    assert words in told.getMessage()
    assert KEY not in caplog.text


class _LibraryError(Exception):
    """As a provider's library raises it."""

    def __init__(self) -> None:
        super().__init__(f"the answer was: {KEY}")
        self.body = {"message": KEY}


def _answer_behind(error: Exception, *, is_shown: bool) -> Exception:
    """The error, raised while or because a provider's answer was handled."""
    try:
        try:
            raise _LibraryError
        except _LibraryError as answer:
            if is_shown:
                raise error from answer
            raise error  # noqa: B904
    except Exception as raised:
        return raised


@pytest.mark.parametrize(
    "error",
    [
        _answer_behind(ValueError("no answer"), is_shown=True),
        _answer_behind(ValueError("no answer"), is_shown=False),
        ExceptionGroup("all models failed", [ValueError("x"), _LibraryError()]),
        ModelHTTPError(401, "served-model", {"message": KEY}),
    ],
    ids=["cause", "context", "group", "status"],
)
def test_the_log_has_no_answer_that_is_behind_an_error(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="riverrun.agents"):
        log_failure(error)
    assert type(error).__name__ in caplog.text
    assert KEY not in caplog.text


def test_the_log_has_the_traceback_of_what_is_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="riverrun.agents"):
        log_failure(KeyError("a bug of ours"))
    assert "KeyError: 'a bug of ours'" in caplog.text


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        (breaks_off(text("Half")), "The connection to the model broke off"),
        (streams(text("Half"), done=b""), "The answer may be cut off"),
        (streams(text("Half"), finish("length")), "The answer was cut off"),
        (streams(text("Half"), finish("content_filter")), "The answer was cut off"),
        (streams(text("Half"), b"data: {not json\n\n"), "The model's answer could not be read"),
        (
            streams(text("Half"), b'data: {"error": {"message": "x", "type": "server_error"}}\n\n'),
            "The model's server failed",
        ),
    ],
)
async def test_text_that_came_before_a_failure_stays(reply: Reply, title: str) -> None:
    failure, answer = await failure_of(reply)
    assert (failure.title, answer) == (title, "Half")


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("eos", None),
        ("end_turn", None),
        ("error", "The model's server failed"),
        ("bored", "The answer may be cut off"),
    ],
)
async def test_what_ended_an_answer_is_understood_or_named(reason: str, title: str | None) -> None:
    events = RecordedEvents()
    async with fake_model_server(streams(text("Whole."), finish(reason))) as server:
        if title is None:
            await ask(server, events)
        else:
            with pytest.raises(AgentFailed) as failure:
                await ask(server, events)
            assert failure.value.title == title
            assert reason in failure.value.detail
    assert events.text == "Whole."


async def test_thinking_that_the_server_left_in_the_text_is_no_answer() -> None:
    events = RecordedEvents()
    pieces = ("<think>", "I look.", "</think>\n\nIt", " is 42.")
    async with fake_model_server(streams(*map(text, pieces), finish())) as server:
        await ask(server, events)
        assert len(server.requests) == 1
    assert (events.text, events.of("thinking")) == ("It is 42.", [{"text": "I look."}])


@pytest.mark.parametrize("sent", ["<think>It is 42.", "<think>It is 42.</think>\n"])
async def test_of_a_model_that_only_thinks_in_the_text_the_thoughts_are_the_answer(sent: str) -> None:
    events = RecordedEvents()
    async with fake_model_server(streams(text(sent), finish())) as server:
        await ask(server, events)
    assert events.text == "It is 42."


async def test_thoughts_without_an_answer_are_asked_on_once_and_stay_apart() -> None:
    events = RecordedEvents()
    thought = event({"delta": {"reasoning_content": "I look."}})
    async with fake_model_server(streams(thought, finish())) as server:
        with pytest.raises(AgentFailed, match="The model gave no answer"):
            await ask(server, events)
        assert len(server.requests) == 2
    assert "".join(data["text"] for data in events.of("thinking")) == "I look.\n\nI look."


async def test_words_before_a_tool_call_and_none_after_it_are_no_answer() -> None:
    looks = streams(text("Let me look."), tool_call("list_files", "{}"), finish("tool_calls"))
    for nothing in (streams(finish()), streams(text("\n "), finish())):
        failure, answer = await failure_of(looks, nothing)
        assert (failure.title, answer.strip()) == ("The model gave no answer", "Let me look.")
        assert "last reply had no text" in failure.detail


async def test_a_whole_answer_may_have_cost_too_much_and_another_request_may_not() -> None:
    dear = event({"delta": {}, "finish_reason": "stop"}, usage=usage_of(900))
    events = RecordedEvents()
    async with fake_model_server(streams(text("Whole."), dear)) as server:
        await ask(server, events, Limits(tokens=500))
    assert events.text == "Whole."

    dear = event({"delta": {}, "finish_reason": "tool_calls"}, usage=usage_of(900))
    failure, _ = await failure_of(streams(tool_call("list_files", "{}"), dear), limits=Limits(tokens=500))
    assert failure.title == "The answer took too many tokens"


async def test_a_number_of_tokens_that_cannot_be_ends_no_answer() -> None:
    absurd = event({"delta": {}, "finish_reason": "tool_calls"}, usage=usage_of(2**32 - 1))
    events = RecordedEvents()
    async with fake_model_server(
        streams(tool_call("list_files", "{}"), absurd), streams(text("Whole."), finish())
    ) as server:
        await ask(server, events)
    assert events.text == "Whole."


async def test_arguments_without_end_are_ended() -> None:
    begun = tool_call("search_code", '{"query": "' + "again " * 100)
    failure, _ = await failure_of(streams(begun, begun, begun), limits=Limits(output_chars=1_000))
    assert failure.title == "The answer grew too long"


async def test_of_one_piece_that_is_too_long_what_fits_is_kept() -> None:
    failure, answer = await failure_of(
        streams(text("0123456789" * 200), finish()), limits=Limits(output_chars=1_000)
    )
    assert (failure.title, answer) == ("The answer grew too long", "0123456789" * 100)


def usage_of(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}


async def test_silence_before_and_within_an_answer_is_a_stall() -> None:
    for events, expected in (([], ""), ([text("Half")], "Half")):
        failure, answer = await failure_of(hangs_after(*events), limits=Limits(stall_seconds=0.3))
        assert (failure.title, answer) == ("The model stalled", expected)


async def test_the_client_of_the_model_waits_a_little_longer_than_the_answer_may_be_silent() -> None:
    waited: list[object] = []

    class Patient(WrapperModel):
        @asynccontextmanager
        async def request_stream(
            self, messages: Any, settings: ModelSettings | None, *more: Any, **options: Any
        ) -> AsyncIterator[StreamedResponse]:
            waited.append((settings or {}).get("timeout"))
            async with self.wrapped.request_stream(messages, settings, *more, **options) as response:
                yield response

    async with fake_model_server(streams(text("Whole."), finish())) as server:
        model = Patient(choose_model("served-model", server.base_url, KEY))
        await answer_question("q", [], INDEX, model, RecordedEvents().emit, Limits(stall_seconds=300))
    assert waited == [305]


async def test_an_endless_tool_loop_is_ended() -> None:
    loop = streams(tool_call("list_files", "{}"), finish("tool_calls"))
    failure, _ = await failure_of(loop, limits=Limits(steps=4))
    assert failure.title == "The answer took too many steps"


async def test_a_server_that_is_not_there_is_explained() -> None:
    async with fake_model_server(streams()) as server:
        gone = server.base_url
    with pytest.raises(AgentFailed, match="The model cannot be reached") as failure:
        await answer_question("q", [], INDEX, choose_model("m", gone), RecordedEvents().emit)
    assert "RIVERRUN_MODEL_BASE_URL" in failure.value.detail
    assert "nothing listens there" in failure.value.detail


async def test_a_host_that_nobody_knows_is_called_so(caplog: pytest.LogCaptureFixture) -> None:
    model = choose_model("m", "http://no-such-host.invalid/v1")
    with (
        caplog.at_level(logging.INFO, logger="riverrun.agents"),
        pytest.raises(AgentFailed, match="no host of that name"),
    ):
        await answer_question("q", [], INDEX, model, RecordedEvents().emit)
    assert "gaierror" in caplog.text


def test_a_certificate_that_is_not_trusted_is_called_so() -> None:
    error = ModelConnectionError("m", "Connection error.")
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.__cause__.verify_message = "self-signed certificate"
    said = explain(error).detail
    assert "certificate is not trusted (self-signed certificate)" in said
    assert "SSL_CERT_FILE" in said


@pytest.mark.parametrize("sent", [[], [text("Half")]])
async def test_cancelling_closes_the_connection(sent: list[bytes]) -> None:
    events = RecordedEvents()
    async with fake_model_server(hangs_after(*sent)) as server:
        task = asyncio.create_task(ask(server, events))
        await server.waiting.wait()
        await wait_until_async(lambda: len(events.of("text")) == len(sent))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await wait_until_async(lambda: server.open_connections == 0)
    assert events.text == b"".join(sent and [b"Half"]).decode()


async def test_a_stall_closes_the_connection_too() -> None:
    async with fake_model_server(hangs_after(text("Half"))) as server:
        with pytest.raises(AgentFailed):
            await ask(server, RecordedEvents(), Limits(stall_seconds=0.1))
        await wait_until_async(lambda: server.open_connections == 0)


def test_one_model_serves_one_event_loop_after_another() -> None:
    def loops() -> Iterator[asyncio.Runner]:
        for _ in range(2):
            with asyncio.Runner() as runner:
                yield runner

    async def once() -> str:
        events = RecordedEvents()
        async with fake_model_server(streams(text("ok"), finish())) as server:
            await ask(server, events)
        return events.text

    assert [runner.run(once()) for runner in loops()] == ["ok", "ok"]
