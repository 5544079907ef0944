"""The source says it too: nothing that the API's loop calls, however deep, is known to block."""

import pytest
from tests.proofs.blocking.allowed import ALLOWED
from tests.proofs.blocking.call_audit import Audit, audit_app, audit_riverrun
from tests.support import framed_app, hiding_app

LEAST_KNOWN = 0.95
"""Of the calls: what cannot be followed is no proof of anything."""


@pytest.fixture(scope="module")
def audit() -> Audit:
    return audit_riverrun()


def test_nothing_the_loop_calls_is_known_to_block(audit: Audit) -> None:
    assert audit.faults(ALLOWED) == []


def test_nearly_every_call_is_followed_to_its_end(audit: Audit) -> None:
    assert audit.functions > 500
    assert audit.known_share > LEAST_KNOWN, audit.unknown


def test_an_exception_that_nothing_needs_is_a_fault(audit: Audit) -> None:
    assert len(audit.faults(ALLOWED | {("riverrun.gone", "time.sleep"): "no reason"})) == 1


def test_every_hidden_call_is_found_and_no_innocent_one() -> None:
    name = hiding_app.__name__
    found = {
        (one.function.removeprefix(f"{name}."), one.sink) for one in audit_app(hiding_app.app, name).findings
    }
    assert set(hiding_app.HIDDEN.items()) - found == set()
    assert {function for function, _ in found} & hiding_app.INNOCENT == set()


def test_what_the_framework_calls_on_the_loop_is_followed_and_what_it_calls_in_threads_is_not() -> None:
    name = framed_app.__name__
    audit = audit_app(framed_app.app, name)
    assert {one.function.removeprefix(f"{name}.") for one in audit.findings} == framed_app.BLOCKING


def test_what_the_source_does_not_have_is_not_known() -> None:
    name = framed_app.__name__
    unknown = audit_app(framed_app.app, name).unknown
    assert f"{name}.{framed_app.NOT_IN_THE_SOURCE}, which the loop calls" in unknown
