"""A fake model: an OpenAI-compatible server that plays what a test wrote down, and keeps the time of each piece it sent."""

import json
import select
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk of an answer, after a silence: a text, or a call of a tool ``(name, arguments)``."""

    text: str = ""
    after_seconds: float = 0.0
    call: tuple[str, dict[str, Any]] | None = None


@dataclass
class Play:
    """What the model says to each request of one question, in turn, and when it said it (``time.time()``)."""

    answers: Sequence[Sequence[Piece]]
    asked_at: list[float] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    left_at: list[float] = field(default_factory=list)
    """When the client closed a connection before the answer was whole."""
    whole: int = 0
    """How many answers were given to their end."""

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is being answered."""
        return len(self.left_at) + self.whole == len(self.asked_at)


class PlayingModel:
    """Serves inside ``with``. A question that contains ``#name`` gets the play of that name."""

    def __init__(self) -> None:
        self.plays: dict[str, Play] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def learn(self, name: str, *answers: Sequence[Piece]) -> Play:
        """What to answer to questions with ``#name``."""
        self.plays[name] = play = Play(answers)
        return play

    def play_of(self, messages: list[dict[str, Any]]) -> Play:
        """The play that the newest question names."""
        question = str([one["content"] for one in messages if one["role"] == "user"][-1])
        return next(play for name, play in self.plays.items() if f"#{name}." in question)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes is what these plays are about."""


def _handler(model: PlayingModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            play = model.play_of(body["messages"])
            play.asked_at.append(time.time())
            pieces = play.answers[min(len(play.asked_at), len(play.answers)) - 1]
            try:
                is_whole = self._play(play, pieces)
            except ConnectionError:
                is_whole = False
            if is_whole:
                play.whole += 1
            else:
                play.left_at.append(time.time())

        def _play(self, play: Play, pieces: Sequence[Piece]) -> bool:
            """Whether the client stayed for the whole answer."""
            self.connection.sendall(STREAM_HEAD)
            for piece in pieces:
                if self._leaves_within(piece.after_seconds):
                    return False
                self.connection.sendall(_chunk(piece))
                play.sent_at.append(time.time())
            reason = "tool_calls" if any(piece.call for piece in pieces) else "stop"
            self.connection.sendall(_event({"delta": {}, "finish_reason": reason}) + DONE)
            return True

        def _leaves_within(self, seconds: float) -> bool:
            """Wait; whether the client closed meanwhile, which is all it can do while it is answered."""
            readable, _, _ = select.select([self.connection], [], [], seconds)
            return bool(readable)

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler


def _chunk(piece: Piece) -> bytes:
    if piece.call is None:
        return _event({"delta": {"role": "assistant", "content": piece.text}})
    name, arguments = piece.call
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": f"call-{time.monotonic_ns()}", "type": "function", "function": function}
    return _event({"delta": {"role": "assistant", "tool_calls": [call]}})


def _event(choice: dict[str, Any]) -> bytes:
    choices = [{"index": 0, "finish_reason": None, **choice}]
    document = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fake",
        "choices": choices,
    }
    return f"data: {json.dumps(document)}\n\n".encode()
