"""Firebase's users come in: by the ID tokens of its clients, and by the passwords that it keeps. Against its real emulator."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from sqlalchemy import Engine
from tests.support.accounts import make_person
from tests.support.fake_json_server import FakeJsonServer, fake_json_server
from tests.support.firebase_emulator import FirebaseEmulator
from tests.support.live_api import client_of, serving
from tests.support.oidc_peers import signed
from tests.support.unsigned_tokens import DEMO_PROJECT, unsigned_token
from tests.support.visitors import GOOD_PASSWORD, account_of, log_in, sign_up

from riverrun.auth.firebase_provider import KEYS_URL, FirebaseProvider
from riverrun.auth.provider_documents import ProviderDocuments
from riverrun.auth.sso_providers import open_sso_providers
from riverrun.infra.outside_client import Answer, OutsideClient
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.kit.clock import now
from riverrun.kit.problem import NotSignedIn

PASSWORD = "kept at Firebase"
PROJECT = "a-real-project"


@pytest.fixture
async def site(settings: Settings, firebase: FirebaseEmulator) -> AsyncIterator[str]:
    """A server that takes Firebase's users and their passwords."""
    emulate(settings, firebase.host)
    async with serving(settings) as base_url:
        yield base_url


def emulate(settings: Settings, host: str) -> None:
    settings.sign_up = "open"
    settings.firebase_project_id = DEMO_PROJECT
    settings.firebase_emulator = host
    settings.google_identity_tool_kit_key = SecretStr("any")
    settings.logins_per_minute_per_account = settings.logins_per_minute_per_address = 0


async def bring(base_url: str, id_token: str) -> httpx2.Response:
    async with client_of(base_url) as client:
        return await client.post("/api/v1/sso/login", json={"sso_provider": "firebase", "id_token": id_token})


async def test_a_password_that_firebase_keeps_opens_an_account_here(
    site: str, firebase: FirebaseEmulator
) -> None:
    await firebase.add("ann@example.org", PASSWORD)
    answer = await log_in(site, "Ann@example.org", PASSWORD)
    assert answer.status_code == 200, answer.text
    async with client_of(site, answer.json()["token"]) as client:
        account = await account_of(client)
    assert (account["email"], account["email_verified"]) == ("ann@example.org", True)
    assert [way["provider_type"] for way in account["providers"]] == ["firebase"]


async def test_nobody_learns_who_has_an_account_there(site: str, firebase: FirebaseEmulator) -> None:
    await firebase.add("bob@example.org", PASSWORD)
    await firebase.add("disabled@example.org", PASSWORD, is_disabled=True)
    answers = [
        await log_in(site, email, password)
        for email, password in (
            ("bob@example.org", "wrong"),
            ("nobody@example.org", PASSWORD),
            ("disabled@example.org", PASSWORD),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["type"] == "/problems/wrong-password"


async def test_an_address_that_firebase_has_not_verified_opens_nothing(
    site: str, firebase: FirebaseEmulator
) -> None:
    await firebase.add("carl@example.org", PASSWORD, is_verified=False)
    answer = await log_in(site, "carl@example.org", PASSWORD)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/address-not-verified")


async def test_an_id_token_of_a_firebase_client_signs_in_once(site: str, firebase: FirebaseEmulator) -> None:
    id_token = await firebase.add("dora@example.org", PASSWORD)
    assert (await bring(site, id_token)).json()["status"] == "new_user"
    again = await bring(site, id_token)
    assert (again.status_code, again.json()["type"]) == (401, "/problems/not-signed-in")


async def test_the_owner_of_an_account_links_firebase_before_it_opens_it(
    site: str, firebase: FirebaseEmulator, engine: Engine
) -> None:
    eve = make_person(engine, "eve@example.org")
    await firebase.add("eve@example.org", PASSWORD)
    answer = await log_in(site, "eve@example.org", PASSWORD)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/linking-needed")
    async with client_of(site, eve.token) as owner:
        token = {"linking_token": answer.json()["linking_token"]}
        assert (await owner.post("/api/v1/providers/confirm-linking", json=token)).status_code == 200
    assert (await log_in(site, "eve@example.org", PASSWORD)).status_code == 200


@pytest.fixture
def toolkit() -> Iterator[FakeJsonServer]:
    """A fake of Google's server, for what the real emulator does not answer."""
    with fake_json_server() as fake:
        yield fake


@pytest.fixture
async def fake_site(settings: Settings, toolkit: FakeJsonServer) -> AsyncIterator[str]:
    emulate(settings, toolkit.host)
    async with serving(settings) as base_url:
        yield base_url


async def test_a_password_that_is_kept_here_is_shown_to_nobody_else(
    fake_site: str, toolkit: FakeJsonServer
) -> None:
    assert (await sign_up(fake_site, "ann@example.org")).status_code == 201
    assert (await log_in(fake_site, "ann@example.org", GOOD_PASSWORD)).status_code == 200
    assert (await log_in(fake_site, "ann@example.org", "wrong, but nearly right")).status_code == 401
    assert toolkit.asked == []


async def test_the_key_goes_in_a_header_and_not_in_the_address(
    fake_site: str, toolkit: FakeJsonServer
) -> None:
    toolkit.body = {"idToken": unsigned_token(DEMO_PROJECT)}
    assert (await log_in(fake_site, "bob@example.org")).status_code == 200
    (asked,) = toolkit.asked
    assert asked.path == "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"
    assert asked.headers["x-goog-api-key"] == "any"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": {"message": "TOO_MANY_ATTEMPTS_TRY_LATER : Access is disabled."}}, (429, "60")),
        (400, {"error": {"message": "API key not valid. Please pass a valid API key."}}, (503, "2")),
        (403, {"error": {"message": "PERMISSION_DENIED"}}, (503, "2")),
        (500, b"<html>", (503, "2")),
        (400, [], (503, "2")),
        (200, {"mfaPendingCredential": "x"}, (401, None)),
        (200, {"idToken": unsigned_token("another-project")}, (401, None)),
        (200, {"idToken": "no token"}, (401, None)),
        (200, b"", (401, None)),
    ],
)
async def test_what_google_answers_is_told_in_our_words(
    fake_site: str, toolkit: FakeJsonServer, status: int, body: object, expected: tuple[int, str | None]
) -> None:
    toolkit.status, toolkit.body = status, body
    answer = await log_in(fake_site, "bob@example.org")
    assert (answer.status_code, answer.headers.get("retry-after")) == expected


async def test_while_google_is_away_nobody_is_told_that_their_password_is_wrong(
    settings: Settings, toolkit: FakeJsonServer
) -> None:
    emulate(settings, "127.0.0.1:9")
    async with serving(settings) as base_url:
        answer = await log_in(base_url, "bob@example.org")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/try-again-later")


class FakeGoogleKeys(OutsideClient):
    """A fake of Google's server: it publishes one key of ours."""

    def __init__(self, key: RSAKey) -> None:
        super().__init__()
        self.key = key

    async def ask(self, method: str, url: str, **content: object) -> Answer:
        assert url == KEYS_URL
        return Answer(200, {"keys": [self.key.as_dict(private=False)]}, {})


async def test_outside_an_emulator_only_googles_signature_counts() -> None:
    key, other = (RSAKey.generate_key(2048, {"kid": "google"}) for _ in range(2))
    provider = FirebaseProvider(PROJECT, ProviderDocuments(FakeGoogleKeys(key)))
    moment = int(now().timestamp())
    good = {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "sub": "uid",
        "iat": moment,
        "exp": moment + 60,
        "email": "Ann@example.org",
        "email_verified": True,
        "name": "Ann",
    }
    identity = await provider.identify(signed(good, key, "RS256"))
    assert (identity.provider_type, identity.provider_uid, identity.email) == (
        "firebase",
        "uid",
        "ann@example.org",
    )
    assert identity.email_verified
    for forged in (
        signed(good, other, "RS256"),
        signed(good, key, "PS256"),
        signed({**good, "aud": "another"}, key, "RS256"),
        signed({**good, "iss": "https://securetoken.google.com/another"}, key, "RS256"),
        unsigned_token(PROJECT),
    ):
        with pytest.raises(NotSignedIn):
            await provider.identify(forged)


@pytest.mark.parametrize(
    "wrong",
    [
        {"firebase_emulator": "127.0.0.1:9099", "firebase_project_id": PROJECT},
        {"firebase_emulator": "127.0.0.1:9099"},
        {"google_identity_tool_kit_key": "key"},
        {"oidc_providers": {"firebase": {"issuer": "https://a.example", "client_id": "a"}}},
    ],
)
async def test_settings_that_contradict_each_other_end_the_start(wrong: dict[str, object]) -> None:
    """An emulator's tokens are signed by nobody: with a real project anybody could be anybody."""
    with pytest.raises(MissingSetting):
        async with open_sso_providers(Settings(_env_file=None, **wrong)):
            pass
