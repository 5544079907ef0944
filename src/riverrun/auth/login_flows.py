"""Browsers that were sent to a provider and have not come back yet. Kept in Valkey for ten minutes: who is later starts again."""

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass

import orjson

from riverrun.infra.redis_clients import AsyncRedis
from riverrun.kit.problem import BadRequest, NotSignedIn

LIFETIME_SECONDS = 600
MOST_PATH_CHARS = 500


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """What is to be remembered until the browser is back; ``next_path`` is where it goes then."""

    nonce: str
    code_verifier: str
    next_path: str

    @property
    def code_challenge(self) -> str:
        """The verifier's S256."""
        digest = hashlib.sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class FlowKeys:
    """What opens a flow again: the state goes round by the provider, the other stays in the browser, as a cookie."""

    state: str
    browser: str


def new_flow(next_path: str) -> LoginFlow:
    """A flow of its own nonce and verifier.

    Raises:
        BadRequest: ``next_path`` leads away from here.
    """
    return LoginFlow(secrets.token_urlsafe(32), secrets.token_urlsafe(48), own_path(next_path))


def own_path(path: str) -> str:
    """The path, when it is one of this server's.

    Raises:
        BadRequest: a browser could take it for another server's address.
    """
    is_plain = path.isascii() and path.isprintable() and not set(path) & set("\\ ")
    is_ours = path.startswith("/") and not path.startswith("//")
    if not (is_plain and is_ours) or len(path) > MOST_PATH_CHARS:
        raise BadRequest("next must be a path of this server, such as /c/0198.")
    return path


class LoginFlows:
    """The flows of all browsers; each opens once, and only with both of its keys, at its own provider."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis

    async def keep(self, provider: str, flow: LoginFlow) -> FlowKeys:
        """Remember a flow.

        Raises:
            RedisError: Valkey is away.
        """
        keys = FlowKeys(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        await self._redis.set(_name_of(provider, keys), orjson.dumps(asdict(flow)), ex=LIFETIME_SECONDS)
        return keys

    async def take(self, provider: str, keys: FlowKeys) -> LoginFlow:
        """The flow, which is forgotten with this.

        Raises:
            NotSignedIn: none is open by these keys at this provider: another browser's, an old one, or a used one.
            RedisError: Valkey is away.
        """
        kept = await self._redis.getdel(_name_of(provider, keys))
        if kept is None:
            raise NotSignedIn("This sign-in was not begun in this browser, or it took too long. Start again.")
        return LoginFlow(**orjson.loads(kept))


def _name_of(provider: str, keys: FlowKeys) -> str:
    whole = "\n".join((provider, keys.state, keys.browser))
    return f"login-flow:{hashlib.sha256(whole.encode()).hexdigest()}"
