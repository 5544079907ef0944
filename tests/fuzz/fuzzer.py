"""Sends generated cases of every operation of the OpenAPI document, valid and invalid ones, and judges each answer."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, Config, GenerationMode, Response
from schemathesis.schemas import APIOperation
from tests.fuzz.doors import PRINCIPALS, credentials, wrong_credentials
from tests.fuzz.ground import Ground
from tests.fuzz.settling import settle
from tests.fuzz.verdicts import SERVER_ERROR, Fault, Report, auth_fault, faults_of, request_of, say_nothing

AT_A_TIME = 4
PROBED = 0.25
"""Which share of the cases is asked again without a key that fits."""
TIMEOUT_SECONDS = 30
CONFIGURATION = {
    "max-stream-events": 1,
    "request-timeout": TIMEOUT_SECONDS,
    "generation": {"with-security-parameters": False},
}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Fuzzer:
    """One run over the document, or over those of its paths that ``only`` (a regular expression) finds.

    The same ``seed`` and ``at_a_time`` make the same cases of the same document; ``at_a_time`` of one operation and one mode
    are drawn before the next has its turn.
    """

    def __init__(
        self,
        ground: Ground,
        seed: int,
        only: str = "",
        at_a_time: int = AT_A_TIME,
        tell: Callable[[object], None] = say_nothing,
    ) -> None:
        self.report = Report(tell)
        self._ground = ground
        self._dice = random.Random(seed)
        self._at_a_time = at_a_time
        self._strategies: dict[tuple[str, GenerationMode], st.SearchStrategy[Case[Any]]] = {}
        self._session = requests.Session()
        schema = schemathesis.openapi.from_dict(ground.document, config=Config.from_dict(CONFIGURATION))
        self._schema = schema.include(path_regex=only) if only else schema

    def run(self, cases: int) -> Report:
        """Send at least so many, round after round over all operations."""
        operations = [found.ok() for found in self._schema.get_all_operations()]
        while self.report.cases < cases:
            self._ground.renew()
            for operation, mode in self._turns(operations):
                if self.report.cases < cases:
                    self._have_a_turn(operation, mode)
        self._session.close()
        return self.report

    def _turns(self, operations: list[APIOperation]) -> Iterator[tuple[APIOperation, GenerationMode]]:
        for operation in self._dice.sample(operations, len(operations)):
            for mode in MODES:
                if mode is GenerationMode.POSITIVE or _takes_something(operation):
                    yield operation, mode

    def _have_a_turn(self, operation: APIOperation, mode: GenerationMode) -> None:
        @seed(self._dice.getrandbits(32))
        @settings(
            max_examples=self._at_a_time,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=self._cases_of(operation, mode), number=st.integers(0, 2**32 - 1))
        def send(case: Case[Any], number: int) -> None:
            self._judge(case, random.Random(number))

        try:
            send()
        except Unsatisfiable:  # nothing can be wrong with a request that may hold anything
            return

    def _cases_of(self, operation: APIOperation, mode: GenerationMode) -> st.SearchStrategy[Case[Any]]:
        known = (operation.label, mode)
        if known not in self._strategies:
            self._strategies[known] = operation.as_strategy(generation_mode=mode)
        return self._strategies[known]

    def _judge(self, case: Case[Any], dice: random.Random) -> None:
        settle(case, self._ground, dice)
        principal = dice.choices(list(PRINCIPALS), list(PRINCIPALS.values()))[0]
        if _needs_key(case.operation) and dice.random() < PROBED:
            self._knock(case, dice)
        headers = credentials(self._ground, principal, case.method, case.path)
        self.report.cases += 1
        if (response := self._send(case, headers)) is None:
            return
        self.report.statuses[response.status_code] += 1
        for fault in faults_of(case, response, headers, is_owner=principal == "owner"):
            self.report.note(fault)
        if response.status_code < 400 and case.method not in READS:
            self._ground.replant()

    def _knock(self, case: Case[Any], dice: random.Random) -> None:
        headers = wrong_credentials(self._ground, case.path, dice)
        self.report.probes += 1
        response = self._send(case, headers)
        if response is not None and (fault := auth_fault(case, response, headers)) is not None:
            self.report.note(fault)

    def _send(self, case: Case[Any], headers: Any) -> Response | None:
        try:
            return case.call(base_url=self._ground.base_url, session=self._session, headers=dict(headers))
        except requests.RequestException as error:
            self.report.note(
                Fault(SERVER_ERROR, case.operation.label, f"no answer: {error!r}", request_of(case))
            )
            return None
        finally:
            self._session.cookies.clear()


def _needs_key(operation: APIOperation) -> bool:
    return bool(operation.definition.raw.get("security"))


def _takes_something(operation: APIOperation) -> bool:
    return bool(operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"))
