"""A fake of what is outside: an OpenAI-compatible model on a real socket that streams as slowly as the question says.

A question such as ``q17 pieces=30 pause_ms=40 chars=12`` is answered by 30 words ``q17.4.0``, ``q17.4.1`` ...: each names
the question, the how-manieth request to this server it answers, and its place. So an answer that was mixed out of two
attempts, two runs or two users is known by its text alone.

Where the agent has the chaos' tool, that is called first, with the question's name for a line.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from uuid import uuid4

NAME = "scripted"
EFFECT_TOOL = "write_into_the_chaos_world"
PADDING = "🌊"
"""Four bytes on the wire, one character of text."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a question asks the model to do."""

    token: str
    pieces: int = 30
    pause_ms: int = 40
    chars: int = 12

    @property
    def question(self) -> str:
        return f"{self.token} pieces={self.pieces} pause_ms={self.pause_ms} chars={self.chars}"

    @classmethod
    def parse(cls, question: str) -> "Script":
        token, *fields = question.split()
        return cls(token, **{name: int(value) for name, value in (field.split("=") for field in fields)})

    def words(self, request: int) -> list[str]:
        """The answer to the how-manieth request, piece by piece."""
        return [f"{self.token}.{request}.{place} ".ljust(self.chars, PADDING) for place in range(self.pieces)]

    def explains(self, text: str, *, whole: bool) -> bool:
        """Whether ``text`` is the answer to one single request, or its beginning when it need not be ``whole``."""
        if not text:
            return not whole
        first = re.match(rf"{re.escape(self.token)}\.(\d+)\.", text)
        if first is None:
            return False
        answer = "".join(self.words(int(first[1]))).strip()
        return text.strip() == answer if whole else answer.startswith(text.strip())


class ScriptedModel(ThreadingHTTPServer):
    """Serves in threads of this process; ``answering`` counts the connections that it streams to.

    It keeps its own account: ``asked`` is how often each question came, ``reported`` how many tokens it said that the last
    whole answer to it took.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests = count(1)
        self.answering = 0
        self.asked: Counter[str] = Counter()
        self.reported: dict[str, int] = {}
        self.lock = threading.Lock()
        self.clock = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error here."""

    @contextmanager
    def counted(self, token: str) -> Iterator[None]:
        """One more answer under way."""
        with self.lock:
            self.asked[token] += 1
            self.answering += 1
        try:
            yield
        finally:
            with self.lock:
                self.answering -= 1


@contextmanager
def scripted_model() -> Iterator[ScriptedModel]:
    """The model, until the block is left."""
    model = ScriptedModel()
    thread = threading.Thread(target=model.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.clock.set()
        model.shutdown()
        model.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script = Script.parse(_last_question(body["messages"]))
        with self.server.counted(script.token), suppress(ConnectionError):
            number = next(self.server.requests)
            self._begin_answer()
            if _wants_effect(body):
                self._call_tool(script.token)
            else:
                self._answer(script, number)
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _begin_answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

    def _call_tool(self, line: str) -> None:
        function = {"name": EFFECT_TOOL, "arguments": json.dumps({"line": line})}
        call = {"index": 0, "id": f"call-{uuid4()}", "type": "function", "function": function}
        self._say({"delta": {"role": "assistant", "tool_calls": [call]}})
        self._say({"delta": {}, "finish_reason": "tool_calls"})

    def _answer(self, script: Script, request: int) -> None:
        for word in script.words(request):
            if script.pause_ms and self.server.clock.wait(script.pause_ms / 1_000):
                return
            self._say({"delta": {"role": "assistant", "content": word}})
        self._say({"delta": {}, "finish_reason": "stop"})
        asked, written = len(script.question), script.pieces
        self.server.reported[script.token] = asked + written
        tokens = {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}
        self._send({"choices": [], "usage": tokens})
        self.wfile.write(b"data: [DONE]\n\n")

    def _say(self, choice: dict[str, Any]) -> None:
        self._send({"choices": [{"index": 0, "finish_reason": None, **choice}]})

    def _send(self, fields: dict[str, Any]) -> None:
        chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": NAME, **fields}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests' output is not this server's."""


def _wants_effect(body: dict[str, Any]) -> bool:
    """Whether the tool is there and was not called for this question yet."""
    tools = {one["function"]["name"] for one in body.get("tools") or []}
    return EFFECT_TOOL in tools and body["messages"][-1]["role"] == "user"


def _last_question(messages: list[dict[str, Any]]) -> str:
    content = next(one["content"] for one in reversed(messages) if one["role"] == "user")
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
