"""The real emulator of Firebase Authentication (npm's firebase-tools) as a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from tests.support.node_peers import running_peer
from tests.support.unsigned_tokens import DEMO_PROJECT


@dataclass(frozen=True, slots=True)
class FirebaseEmulator:
    """One that listens at ``host``, a ``host:port``. Its users are all tests' of a session: take addresses of your own."""

    host: str

    async def add(
        self, email: str, password: str, *, is_verified: bool = True, is_disabled: bool = False
    ) -> str:
        """Make a user there; their ID token, as a client of Firebase's gets it."""
        made = await self._ask("accounts:signUp", email=email, password=password, returnSecureToken=True)
        changed = {"localId": made["localId"], "emailVerified": is_verified, "disableUser": is_disabled}
        await self._ask("accounts:update", **changed)
        if is_disabled:
            return str(made["idToken"])
        signed_in = await self._ask(
            "accounts:signInWithPassword", email=email, password=password, returnSecureToken=True
        )
        return str(signed_in["idToken"])

    async def _ask(self, verb: str, **body: Any) -> dict[str, Any]:
        async with httpx2.AsyncClient(timeout=30) as client:
            answer = await client.post(
                f"http://{self.host}/identitytoolkit.googleapis.com/v1/{verb}",
                json=body,
                headers={"authorization": "Bearer owner"}
                if verb == "accounts:update"
                else {"x-goog-api-key": "any"},
            )
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said


@contextmanager
def firebase_emulator() -> Iterator[FirebaseEmulator]:
    """The emulator of a demo project, until the block is left."""
    with running_peer("firebase", DEMO_PROJECT) as host:
        yield FirebaseEmulator(host)
