"""What is wrong with an answer, and the sum of it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from schemathesis import Case, CheckFunction, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.fuzz.refusals import is_due

CONFORMANCE: tuple[CheckFunction, ...] = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
)
UNREADABLE = frozenset({400, 422})
SERVER_ERROR, IGNORED_AUTH, DEVIATION = "server error", "ignored auth", "schema deviation"


@dataclass(frozen=True)
class Fault:
    """What was wrong, where, and how one asks for it again."""

    kind: str
    where: str
    what: str
    request: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}\n    {self.request}"


def say_nothing(fault: object) -> None:
    """For whoever reads the report at the end."""


@dataclass
class Report:
    """How many cases were sent, and what was wrong; of one and the same fault the first example is kept, and told."""

    tell: Callable[[object], None] = say_nothing
    cases: int = 0
    probes: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[tuple[str, str, str], Fault] = field(default_factory=dict)

    def note(self, fault: Fault) -> None:
        """Count a fault."""
        self.counts[fault.kind] += 1
        known = (fault.kind, fault.where, fault.what.split("\n")[0])
        if known not in self.faults:
            self.faults[known] = fault
            self.tell(fault)

    @property
    def line(self) -> str:
        """The last line of the proof."""
        return (
            f"fuzz: cases={self.cases} server_errors={self.counts[SERVER_ERROR]} "
            f"ignored_auth={self.counts[IGNORED_AUTH]} schema_deviations={self.counts[DEVIATION]}"
        )


def sum_of(reports: Iterable[Report]) -> Report:
    """Of many runs one."""
    whole = Report()
    for report in reports:
        whole.cases += report.cases
        whole.probes += report.probes
        whole.statuses += report.statuses
        whole.counts += report.counts
        whole.faults = report.faults | whole.faults
    return whole


def faults_of(case: Case[Any], response: Response, sent: Mapping[str, str], *, is_owner: bool) -> list[Fault]:
    """What is wrong with the answer to a case, by the document. Valid data must be taken from the owner of the rows."""
    checks = list(CONFORMANCE)
    if (
        is_owner
        and is_sent_as_drawn(case)
        and not (response.status_code >= 400 and is_due(case.method, case.path, response))
    ):
        checks.append(positive_data_acceptance)
    try:
        case.validate_response(response, checks=checks, headers=dict(sent))
    except FailureGroup as group:
        return [
            _fault(case, response, failure) for failure in group.exceptions if isinstance(failure, Failure)
        ]
    return []


def is_sent_as_drawn(case: Case[Any]) -> bool:
    """Whether the values in the path are what the document allows.

    Where a drawn value happens to look percent-encoded, as ``4E%BB`` does, Schemathesis 4.32 decodes it and sends another one.
    """
    return all(
        re.search(
            parameter["schema"].get("pattern", ""), unquote(str(case.path_parameters[parameter["name"]]))
        )
        for parameter in case.operation.definition.raw.get("parameters", ())
        if parameter["in"] == "path"
    )


def _fault(case: Case[Any], response: Response, failure: Failure) -> Fault:
    kind = SERVER_ERROR if response.status_code >= 500 else DEVIATION
    what = f"{response.status_code} {failure.title}: {failure.message}\n    {response.text_lossy()[:500]}"
    return Fault(kind, case.operation.label, what, request_of(case))


def request_of(case: Case[Any]) -> str:
    """The case as a command line."""
    return case.as_curl_command()[:3_000]


def auth_fault(case: Case[Any], response: Response, sent: Mapping[str, str]) -> Fault | None:
    """What is wrong with the answer to somebody without a key that fits; anything but a refusal is.

    A body that is no JSON is refused before anybody is asked who they are: nothing else was read by then.
    """
    if response.status_code == 401 or (isinstance(case.body, bytes) and response.status_code in UNREADABLE):
        return None
    what = f"{response.status_code} with {dict(sent)}\n    {response.text_lossy()[:300]}"
    kind = SERVER_ERROR if response.status_code >= 500 else IGNORED_AUTH
    return Fault(kind, case.operation.label, what, request_of(case))
