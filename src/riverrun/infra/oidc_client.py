"""An identity provider as the operator writes it down: any that speaks OpenID Connect."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class OidcClient(BaseModel):
    """This server, as the provider at ``issuer`` knows it.

    ``issuer`` is compared letter by letter with what the provider says of itself. Without ``client_secret`` we are a
    public client, whom PKCE alone protects.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr | None = None
    label: str = ""
    """What people call it; the name, when empty."""
    scopes: str = "openid email profile"
    trusts_email: bool = False
    """Whether every address that it names counts as verified: only where its administrators give out the addresses."""
