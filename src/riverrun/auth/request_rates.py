"""How often people may knock, ask and look: the rates that routes name, by account, address and user."""

from typing import Annotated

from fastapi import Depends, Request

from riverrun.auth.dependencies import CurrentPrincipal, CurrentViewer
from riverrun.auth.principal import Principal
from riverrun.infra.client_address import network_of
from riverrun.infra.dependencies import CurrentResources
from riverrun.infra.rate_limits import Rate
from riverrun.infra.resources import Resources
from riverrun.kit.email_address import normal_email

MINUTE_SECONDS = 60
HOUR_SECONDS = 3_600


class LoginRate:
    """How often a password may be tried: on one account, and from one network. Nobody is let in uncounted."""

    def __init__(self, resources: Resources, network: str) -> None:
        self._resources = resources
        self._network = network

    async def admit(self, email: str) -> None:
        """Count a try on the account of this address, whether there is one or not. Call it before the password is looked at.

        Raises:
            TooManyRequests: there were too many on it, or from this network. A network that is over its rate uses up no
                account's.
            TryAgainLater: Valkey is away.
        """
        await self.admit_network()
        settings = self._resources.settings
        on_account = Rate(
            "login-account", settings.logins_per_minute_per_account, MINUTE_SECONDS, fails_closed=True
        )
        await self._resources.rates.admit(on_account, normal_email(email))

    async def admit_network(self) -> None:
        """Count a try from this network alone: for ways in where the account is not known before.

        Raises:
            TooManyRequests: there were too many from it.
            TryAgainLater: Valkey is away.
        """
        most = self._resources.settings.logins_per_minute_per_address
        from_here = Rate("login-address", most, MINUTE_SECONDS, fails_closed=True)
        await self._resources.rates.admit(from_here, self._network)


async def get_login_rate(request: Request, resources: CurrentResources) -> LoginRate:
    """The rate for whoever sends this request."""
    return LoginRate(resources, _network_of(request, resources))


async def limit_sign_ups(request: Request, resources: CurrentResources) -> None:
    """Raises ``TooManyRequests`` when the network has made too many accounts."""
    rate = Rate("sign-up", resources.settings.sign_ups_per_hour_per_address, HOUR_SECONDS)
    await resources.rates.admit(rate, _network_of(request, resources))


async def limit_password_resets(request: Request, resources: CurrentResources) -> None:
    """Raises ``TooManyRequests`` when the network has asked for too many new passwords."""
    rate = Rate("password-reset", resources.settings.password_resets_per_hour_per_address, HOUR_SECONDS)
    await resources.rates.admit(rate, _network_of(request, resources))


async def limit_links_to(email: str, resources: Resources) -> None:
    """Raises ``TooManyRequests`` when too many links were asked for this address, whether anybody has it or not."""
    rate = Rate("mailed-link", resources.settings.password_resets_per_hour_per_account, HOUR_SECONDS)
    await resources.rates.admit(rate, normal_email(email))


async def limit_invitations(principal: CurrentPrincipal, resources: CurrentResources) -> None:
    """Raises ``TooManyRequests`` when the user has invited too many: the server sends mail to whomever they name."""
    rate = Rate("invitation", resources.settings.invitations_per_hour, HOUR_SECONDS)
    await resources.rates.admit(rate, str(principal.user_id))


async def limit_posts(principal: CurrentPrincipal, resources: CurrentResources) -> None:
    """Raises ``TooManyRequests`` when the user has asked too often."""
    rate = Rate("post", resources.settings.posts_per_minute, MINUTE_SECONDS)
    await resources.rates.admit(rate, str(principal.user_id))


async def limit_streams(principal: CurrentViewer, request: Request, resources: CurrentResources) -> None:
    """Raises ``TooManyRequests`` when the user, or the network of a guest, has opened too many streams."""
    rate = Rate("stream", resources.settings.streams_per_minute, MINUTE_SECONDS)
    await resources.rates.admit(rate, _viewer(principal, request, resources))


def _viewer(principal: Principal, request: Request, resources: Resources) -> str:
    return _network_of(request, resources) if principal.is_guest else str(principal.user_id)


def _network_of(request: Request, resources: Resources) -> str:
    return network_of(request, resources.settings.trusted_proxies)


CurrentLoginRate = Annotated[LoginRate, Depends(get_login_rate)]
SIGN_UP_RATE = Depends(limit_sign_ups)
PASSWORD_RESET_RATE = Depends(limit_password_resets)
INVITATION_RATE = Depends(limit_invitations, scope="function")
POST_RATE = Depends(limit_posts, scope="function")
STREAM_RATE = Depends(limit_streams, scope="function")
