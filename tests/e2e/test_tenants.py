"""A tenant beside others on a running stack: nobody is sent a byte of its rows, and no log holds what opens its doors."""

import httpx2
import pytest
from tests.support.accounts import bearer_token_of_a_stranger
from tests.support.tenant_canaries import betrayals, plant_tenant, secrets_told

from riverrun.cli.stack import Stack


def test_no_byte_of_a_tenant_reaches_another_or_a_log(stack: Stack, conversation_id: str) -> None:
    url = stack.settings.require_database_url()
    tenant = plant_tenant(url)
    others = (stack.token, bearer_token_of_a_stranger(url))

    def ask(path: str, token: str) -> str:
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx2.get(f"{stack.base_url}/api/v1/{path}", headers=headers, timeout=30)
        return f"{answer.headers}\n{answer.text}"

    assert list(betrayals(tenant, ask, others, [conversation_id])) == []
    logs = list(stack.settings.data_dir.rglob("*.log"))
    assert logs
    assert list(secrets_told((*tenant.secrets, *others), logs)) == []


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
