"""What an OpenID provider publishes of itself (OpenID Connect Discovery), as far as we need it."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class OidcMetadata(BaseModel):
    """Where the provider is asked what."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    names_itself_in_responses: bool = Field(
        default=False, alias="authorization_response_iss_parameter_supported"
    )
    """Whether ``iss`` comes back with each code (RFC 9207)."""

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Self | None:
        """The document's content; none when something is missing in it."""
        try:
            return cls.model_validate(document)
        except ValidationError:
            return None

    @property
    def takes_basic(self) -> bool:
        """Whether the client's secret goes in a header; else in the body."""
        return "client_secret_basic" in self.token_endpoint_auth_methods_supported
