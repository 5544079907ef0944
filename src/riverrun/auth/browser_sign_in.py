"""A browser's way to a provider and back (authorization code with PKCE), with what keeps others out of it."""

from dataclasses import dataclass

from riverrun.auth.identity import BrowserFlow, Identity
from riverrun.auth.login_flows import FlowKeys, LoginFlows, new_flow
from riverrun.kit.problem import NotSignedIn


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What a browser brings back in its address; all of it may be anybody's making."""

    state: str
    code: str | None
    issuer: str | None
    error: str | None


class BrowserSignIn:
    """One provider's; ``redirect_uri`` is where it sends browsers back, as it is registered there."""

    def __init__(self, name: str, provider: BrowserFlow, flows: LoginFlows, redirect_uri: str) -> None:
        self._name = name
        self._provider = provider
        self._flows = flows
        self._redirect_uri = redirect_uri

    async def begin(self, next_path: str) -> tuple[str, FlowKeys]:
        """Where to send the browser, and what it must bring back from there: the state, and its own key in a cookie.

        Raises:
            BadRequest: ``next_path`` leads away from here.
            TryAgainLater: the provider cannot be asked.
        """
        flow = new_flow(next_path)
        keys = await self._flows.keep(self._name, flow)
        url = await self._provider.authorization_url(
            redirect_uri=self._redirect_uri,
            state=keys.state,
            nonce=flow.nonce,
            code_challenge=flow.code_challenge,
        )
        return url, keys

    async def finish(self, answer: ProviderAnswer, browser: str) -> tuple[Identity, str]:
        """Who has come back, and where they go now. The flow is used up, however this ends.

        Raises:
            NotSignedIn: it was not this browser that was sent, or not this provider that has answered, or it has refused.
            TryAgainLater: the provider cannot be asked.
        """
        flow = await self._flows.take(self._name, FlowKeys(answer.state, browser))
        await self._provider.check_response_issuer(answer.issuer)
        if answer.error is not None or answer.code is None:
            raise NotSignedIn(f"{self._provider.label} has not signed you in. Start again if you want to.")
        identity = await self._provider.redeem(
            answer.code,
            redirect_uri=self._redirect_uri,
            nonce=flow.nonce,
            code_verifier=flow.code_verifier,
        )
        return identity, flow.next_path
