"""Passwords that Google Identity Toolkit keeps (Firebase's too), checked over its REST API."""

import logging
from typing import Any

from riverrun.auth.errors import WrongPassword
from riverrun.auth.firebase_provider import FirebaseProvider
from riverrun.auth.identity import Identity
from riverrun.infra.outside_client import Answer, OutsideClient, Unreachable
from riverrun.kit.problem import NotSignedIn, TooManyRequests, TryAgainLater

GOOGLE = "https://identitytoolkit.googleapis.com"
WRONG = frozenset(
    {
        "EMAIL_NOT_FOUND",
        "INVALID_EMAIL",
        "INVALID_LOGIN_CREDENTIALS",
        "INVALID_PASSWORD",
        "MISSING_PASSWORD",
        "USER_DISABLED",
    }
)
"""Told apart by nobody here: else anybody could learn who has an account."""
PAUSE_SECONDS = 60

logger = logging.getLogger(__name__)


class AuthService:
    """A ``PasswordCheck``. 10 seconds to connect, 30 in all; the client that it asks by sees to that."""

    def __init__(
        self, client: OutsideClient, api_key: str, provider: FirebaseProvider, base_url: str = GOOGLE
    ) -> None:
        self._client = client
        self._api_key = api_key
        self._provider = provider
        self._base_url = base_url

    async def check(self, email: str, password: str) -> Identity:
        """Whose they are.

        Raises:
            WrongPassword: nobody's, or somebody's who is disabled there.
            NotSignedIn: a second factor is asked for, which a password alone is not.
            TooManyRequests: Google takes no more tries for this account now.
            TryAgainLater: Google cannot be asked.
        """
        return await self._provider.identify(await self.login_async(email, password))

    async def login_async(self, email: str, password: str) -> str:
        """Their ID token; raises as ``check`` does."""
        answer = await self._ask({"email": email, "password": password, "returnSecureToken": True})
        document = answer.document if isinstance(answer.document, dict) else {}
        if not answer.is_success:
            raise self._problem(answer.status, _code_in(document))
        id_token = document.get("idToken")
        if not isinstance(id_token, str):
            raise NotSignedIn("This account has a second factor: sign in by your provider's own page.")
        return id_token

    async def _ask(self, credentials: dict[str, Any]) -> Answer:
        try:
            return await self._client.ask(
                "POST",
                f"{self._base_url}/v1/accounts:signInWithPassword",
                json=credentials,
                headers={"x-goog-api-key": self._api_key},  # in the address it would be in logs
            )
        except Unreachable as error:
            logger.warning("Identity Toolkit cannot be asked: %s", error)
            raise TryAgainLater("Google cannot be asked about passwords now.") from error

    def _problem(self, status: int, code: str) -> Exception:
        if code in WRONG:
            return WrongPassword("Address and password do not belong together.")
        if code == "TOO_MANY_ATTEMPTS_TRY_LATER":
            return TooManyRequests("Too many tries on this account: wait a minute.", PAUSE_SECONDS)
        logger.error("Identity Toolkit answers %d %s: look at the key in the settings", status, code)
        return TryAgainLater("Google cannot be asked about passwords now.")


def _code_in(document: dict[str, Any]) -> str:
    """``error.message`` begins with a code; words may follow."""
    error = document.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return message.split(" ", 1)[0][:60] if isinstance(message, str) else "nothing"
