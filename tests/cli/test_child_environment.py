"""What `riverrun up` was told, its processes are told again."""

import pytest

from riverrun.cli.child_environment import child_environment
from riverrun.infra.settings import Settings

GIVEN = {
    "RIVERRUN_OIDC_PROVIDERS": (
        '{"okta": {"issuer": "https://o.example", "client_id": "a", "client_secret": "100% \\"secret\\"", "trusts_email": true}}'
    ),
    "RIVERRUN_PLANS": '{"default": {"questions_per_month": 50}}',
    "RIVERRUN_ALLOWED_HOSTS": "git.example:443,o.example:80",
    "RIVERRUN_TRUSTED_PROXIES": "10.0.0.0/8",
    "RIVERRUN_SECRET_KEYS": f"one:{'A' * 43}=",
    "RIVERRUN_PORT": "1234",
}


def test_every_kind_of_setting_survives_the_way_through_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    told = Settings(_env_file=None)
    environment = child_environment(told, {})
    for name in GIVEN:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told_again = Settings(_env_file=None)
    assert told_again == told
    assert told_again.oidc_providers["okta"].client_secret.get_secret_value() == '100% "secret"'  # type: ignore[union-attr]
