"""A tenant beside others: what the shared stack is asked about it when all its tests are over, and that each betrayal is seen."""

import pytest
from tests.support.accounts import bearer_token_of_a_stranger
from tests.support.tenant_canaries import Tenant, betrayals, betrayals_on, plant_tenant

from riverrun.cli.stack import Stack


def test_no_byte_of_a_tenant_reaches_another_or_a_log(
    stack: Stack, tenant: Tenant, conversation_id: str
) -> None:
    others = (stack.token, bearer_token_of_a_stranger(stack.settings.require_database_url()))
    assert list(betrayals_on(stack, tenant, others)) == []
    log = stack.settings.data_dir / "planted.log"
    log.write_text(f"a log that tells {tenant.canary}\n")
    (told,) = betrayals_on(stack, tenant, ())
    log.unlink()
    assert told.startswith("planted.log holds")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (lambda tenant, token: tenant.canary, "shows somebody else"),
        (lambda tenant, token: "", "does not show"),
        (
            lambda tenant, token: f"{tenant.canary if token == tenant.token else ''} foreign",
            "shows the tenant",
        ),
    ],
)
def test_each_betrayal_is_seen(answers: object, words: str, database_url: str) -> None:
    tenant = plant_tenant(database_url)
    found = list(betrayals(tenant, lambda path, token: answers(tenant, token), ["other"], ["foreign"]))  # type: ignore[operator]
    assert found
    assert all(words in fault for fault in found)
