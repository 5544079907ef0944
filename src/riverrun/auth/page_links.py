"""Links into the page that carry a token behind the ``#``: browsers keep that part to themselves, so no server logs it."""

from enum import StrEnum


class Errand(StrEnum):
    """What the page does with the token of a link."""

    PASSWORD_RESET = "password-reset"
    EMAIL_VERIFICATION = "email-verification"
    INVITATION = "invitation"
    REFUSED = "sign-in-refused"
    """Brings the kind of a problem in the token's place."""
    LINKING = "linking"
    """The token of ``NeedsLinking``: the page has the owner sign in and asks them."""


def link_to(base_url: str, errand: Errand, token: str) -> str:
    """The link's text."""
    return f"{base_url.rstrip('/')}/#{errand}={token}"
