"""What happens in one schedule, as its clients see it: questions asked, runs accepted, readers attached."""

import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import httpx2
from tests.chaos.answer_fold import Objection
from tests.chaos.chaos_site import APIS, ChaosSite
from tests.chaos.payload_ledger import PayloadLedger
from tests.chaos.wire_reader import WireReader, leave_all
from tests.support.scripted_model import Script
from tests.support.waiting import wait_until

CALL_SECONDS = 3.0
STOP_SECONDS = 7.0
"""A receipt is waited for up to five."""
MOST_READERS = 10
REPEATED_POSTS = 3
_tokens = count(1)


@dataclass(slots=True)
class Question:
    """A POST under its idempotency key. ``run_id`` is none while nobody knows whether it was accepted."""

    conversation_id: str
    verb: str
    script: Script | None
    if_busy: str
    key: str = field(default_factory=lambda: str(uuid4()))
    run_id: str | None = None
    is_refused: bool = False

    @property
    def path(self) -> str:
        return f"conversations/{self.conversation_id}/{self.verb}?background=true&if_busy={self.if_busy}"


class Story:
    """One schedule on a site. ``objections`` are the clients' own; those of the readers stand with them."""

    def __init__(self, site: ChaosSite) -> None:
        self.site = site
        self.questions: list[Question] = []
        self.readers: list[WireReader] = []
        self.objections: list[Objection] = []
        self.ledger = PayloadLedger()
        self.steps: list[str] = []
        self.clock = threading.Event()
        self.conversations: list[str] = []

    @property
    def run_ids(self) -> list[str]:
        """Accepted runs, in the order in which that was learnt."""
        return [one.run_id for one in self.questions if one.run_id]

    def pause(self, milliseconds: int) -> None:
        """The schedule's own time between two steps."""
        self.clock.wait(milliseconds / 1_000)

    def begin_conversation(self) -> str:
        body = {"project_ids": [self.site.project_id]}
        answer = wait_until(
            lambda: self.call("POST", "conversations", APIS[0], json=body), what="a conversation"
        )
        self.conversations.append(answer.json()["conversation_id"])
        return self.conversations[-1]

    def ask(
        self,
        conversation_id: str,
        api: str,
        *,
        pieces: int = 30,
        pause_ms: int = 40,
        chars: int = 12,
        if_busy: str = "reject",
    ) -> Question:
        """Post a question in the background, once."""
        script = Script(f"q{next(_tokens)}", pieces, pause_ms, chars)
        return self._post(Question(conversation_id, "message", script, if_busy), api)

    def ask_and_hang_up(self, conversation_id: str, api: str, *, is_repeated: bool) -> Question:
        """Post a question and close the line at once; repeat it over the other API, or leave it in doubt."""
        question = Question(conversation_id, "message", Script(f"q{next(_tokens)}"), "enqueue")
        self.questions.append(question)
        with suppress(OSError), self._line_to(api) as line:
            line.sendall(self._raw_post(question))
        if is_repeated:
            self._send(question, next(name for name in APIS if name != api))
        return question

    def ask_again(self, conversation_id: str, api: str, *, if_busy: str = "reject") -> Question:
        """Have the last question answered anew."""
        return self._post(Question(conversation_id, "regenerate", None, if_busy), api)

    def settle_questions(self) -> None:
        """Post what got no answer again, under its key, until it is known whether there is a run."""
        for question in self.questions:
            if question.run_id is None and not question.is_refused:
                wait_until(
                    lambda one=question: self._send(one, APIS[0]), what="the answer to a repeated POST"
                )

    def post_under_known_keys(self) -> None:
        """A repeated POST is answered by the run that it made."""
        for question in self.questions[-REPEATED_POSTS:]:
            known = question.run_id
            if known and self._send(question, APIS[-1]) and question.run_id != known:
                words = f"the key of run {known} now gives {question.run_id or 'a refusal'}"
                self.objections.append(Objection("I1", words))

    def _line_to(self, api: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.site.ports[api]), CALL_SECONDS)

    def _raw_post(self, question: Question) -> bytes:
        assert question.script is not None
        body = json.dumps({"content": question.script.question}).encode()
        head = (
            f"POST /api/v1/{question.path} HTTP/1.1\r\nHost: riverrun\r\n"
            f"Authorization: Bearer {self.site.token}\r\nIdempotency-Key: {question.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _post(self, question: Question, api: str) -> Question:
        self.questions.append(question)
        self._send(question, api)
        return question

    def _send(self, question: Question, api: str) -> bool:
        """Whether the server said yes or no."""
        body = {"json": {"content": question.script.question}} if question.script else {}
        answer = self.call("POST", question.path, api, headers={"Idempotency-Key": question.key}, **body)
        if answer is None:
            return False
        if answer.status_code == 202:
            question.run_id = answer.json()["run_id"]
        else:
            question.is_refused = True
        return True

    def attach(self, run_id: str, api: str, *, has_tiny_buffer: bool = False) -> WireReader:
        """A new reader, from the start."""
        reader = WireReader(
            self.site.ports, self.site.token, run_id, api, self.ledger, has_tiny_buffer=has_tiny_buffer
        )
        self.readers.append(reader)
        reader.start()
        return reader

    def stop(self, run_id: str, api: str) -> None:
        """Ask for the stop; its receipt must be one."""
        answer = self.call("POST", f"runs/{run_id}/stop", api, timeout=STOP_SECONDS)
        if answer is not None and answer.status_code == 200 and answer.json()["run_id"] != run_id:
            self.objections.append(Objection("I1", f"a receipt of another run: {answer.text}"))

    def call(
        self, method: str, path: str, api: str, *, token: str = "", **options: object
    ) -> httpx2.Response | None:
        """The answer; none when it is lost or the server says 503. Any other 5xx is objected to."""
        options.setdefault("timeout", CALL_SECONDS)
        headers = {"Authorization": f"Bearer {token or self.site.token}", **options.pop("headers", {})}  # type: ignore[dict-item]
        url = f"http://127.0.0.1:{self.site.ports[api]}/api/v1/{path}"
        try:
            answer = httpx2.request(method, url, headers=headers, **options)  # type: ignore[arg-type]
        except httpx2.TransportError:
            return None
        if answer.status_code >= 500 and answer.status_code != 503:
            self.objections.append(Objection("5xx", f"{method} {path}: {answer.status_code} {answer.text}"))
        return None if answer.status_code == 503 else answer

    def all_objections(self) -> list[Objection]:
        return self.objections + [one for reader in self.readers for one in reader.objections]

    def close(self) -> None:
        leave_all(self.readers)
