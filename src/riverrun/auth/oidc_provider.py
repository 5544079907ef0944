"""An identity provider that speaks OpenID Connect: discovery, code with PKCE, and ID tokens that others bring."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from joserfc.jwk import Key

from riverrun.auth.id_tokens import Claims, Expectation, header_of, is_signed, verified_claims
from riverrun.auth.identity import Identity
from riverrun.auth.oidc_metadata import OidcMetadata
from riverrun.auth.person_claims import email_in, is_vouched_for, name_in
from riverrun.auth.provider_documents import PAUSE_SECONDS, ProviderDocuments
from riverrun.infra.oidc_client import OidcClient
from riverrun.infra.outside_client import Answer, OutsideClient, Unreachable
from riverrun.kit.problem import NotSignedIn, TryAgainLater

logger = logging.getLogger(__name__)


class OidcProvider:
    """A ``BrowserFlow``. ``name`` is the operator's, and belongs to one issuer for good: links hang on it."""

    def __init__(
        self, name: str, settings: OidcClient, client: OutsideClient, documents: ProviderDocuments
    ) -> None:
        self._name = name
        self._settings = settings
        self._client = client
        self._documents = documents

    @property
    def provider_type(self) -> str:
        """``sso_`` and the name."""
        return f"sso_{self._name}"

    @property
    def label(self) -> str:
        """What people call it."""
        return self._settings.label or self._name

    async def metadata(self) -> OidcMetadata:
        """What the provider publishes of itself.

        Raises:
            TryAgainLater: it cannot be had, or it is another issuer's.
        """
        issuer = self._settings.issuer
        document = await self._documents.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        metadata = OidcMetadata.parse(document)
        if metadata is None or metadata.issuer != issuer:
            logger.warning("the document of %s is that of %r", issuer, document.get("issuer"))
            raise TryAgainLater("The identity provider is not set up as this server expects.")
        return metadata

    async def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str
    ) -> str:
        """Where to send the browser."""
        endpoint = (await self.metadata()).authorization_endpoint
        if not self._client.is_fit(endpoint):
            logger.warning("%s sends browsers to %s, which is not https", self._name, endpoint)
            raise TryAgainLater("The identity provider is not set up as this server expects.")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._settings.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def check_response_issuer(self, issuer: str | None) -> None:
        """Refuse what came back in another provider's name (RFC 9207): its code must not be sent to this one.

        Raises:
            NotSignedIn: ``issuer`` is another's, or is missing where the provider always says it.
            TryAgainLater: the provider cannot be asked.
        """
        metadata = await self.metadata()
        is_missing = issuer is None and metadata.names_itself_in_responses
        if is_missing or issuer not in (None, metadata.issuer):
            raise NotSignedIn("This answer does not come from the provider that was asked.")

    async def redeem(self, code: str, *, redirect_uri: str, nonce: str, code_verifier: str) -> Identity:
        """Exchange the code that came back."""
        metadata = await self.metadata()
        answer = await self._ask_for_tokens(
            metadata,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": code_verifier,
            },
        )
        if not answer.is_success or not isinstance(answer.document, dict):
            logger.info("%s refuses a code: %d %s", self._name, answer.status, _error_in(answer.document))
            raise NotSignedIn("The provider does not take its own code back. Start again.")
        id_token = answer.document.get("id_token")
        if not isinstance(id_token, str):
            raise NotSignedIn("The provider does not say who you are: it sends no ID token.")
        claims = await self._verified(id_token, metadata, nonce)
        if "email" not in claims:
            claims = {
                **await self._user_info(metadata, answer.document.get("access_token"), claims),
                **claims,
            }
        return self._identity(claims)

    async def identify(self, id_token: str) -> Identity:
        """Whom a token names that somebody brings."""
        return self._identity(await self._verified(id_token, await self.metadata()))

    async def _verified(self, id_token: str, metadata: OidcMetadata, nonce: str | None = None) -> Claims:
        expected = Expectation(metadata.issuer, self._settings.client_id, nonce=nonce)
        keys = await self._keys_for(id_token, metadata.jwks_uri, expected)
        return verified_claims(id_token, keys, expected)

    async def _keys_for(self, id_token: str, url: str, expected: Expectation) -> Sequence[Key]:
        """The keys that may have signed a token. Where it names none, only its signature tells that there is a new one."""
        key_id = header_of(id_token).get("kid")
        if isinstance(key_id, str):
            return await self._documents.keys(url, key_id)
        keys = await self._documents.keys(url, None)
        if is_signed(id_token, keys, expected):
            return keys
        return await self._documents.keys(url, None, pause_seconds=PAUSE_SECONDS)

    async def _ask_for_tokens(self, metadata: OidcMetadata, grant: dict[str, str]) -> Answer:
        secret = self._settings.client_secret
        headers = {"accept": "application/json"}
        client_id = self._settings.client_id
        if secret is None:
            grant = {**grant, "client_id": client_id}
        elif metadata.takes_basic:
            # RFC 6749, 2.3.1: both are encoded like a form's values first.
            return await self._ask(
                "POST",
                metadata.token_endpoint,
                data=grant,
                headers=headers,
                auth=(quote(client_id, safe=""), quote(secret.get_secret_value(), safe="")),
            )
        else:
            grant = {**grant, "client_id": client_id, "client_secret": secret.get_secret_value()}
        return await self._ask("POST", metadata.token_endpoint, data=grant, headers=headers)

    async def _user_info(
        self, metadata: OidcMetadata, access_token: Any, claims: Claims
    ) -> Mapping[str, Any]:
        """What the provider says of the same person beside the ID token; nothing where it says no more."""
        if metadata.userinfo_endpoint is None or not isinstance(access_token, str):
            return {}
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/json"}
        answer = await self._ask("GET", metadata.userinfo_endpoint, headers=headers)
        said = answer.document if answer.is_success and isinstance(answer.document, dict) else {}
        return said if said.get("sub") == claims["sub"] else {}

    async def _ask(self, method: str, url: str, **content: Any) -> Answer:
        try:
            return await self._client.ask(method, url, **content)
        except Unreachable as error:
            logger.warning("%s cannot be asked: %s", self._name, error)
            raise TryAgainLater("The identity provider cannot be reached now.") from error

    def _identity(self, claims: Claims) -> Identity:
        email = email_in(claims)
        return Identity(
            provider_type=self.provider_type,
            provider_uid=claims["sub"],
            email=email,
            email_verified=email is not None and (self._settings.trusts_email or is_vouched_for(claims)),
            display_name=name_in(claims),
            data={"label": self.label, "email": email, "name": name_in(claims)},
        )


def _error_in(document: Any) -> str:
    error = document.get("error") if isinstance(document, dict) else None
    return repr(error)[:100]
