"""What can go wrong at the door."""

from riverrun.kit.problem import Problem


class InvalidApiKey(Problem):
    """No ``X-API-Key``, or one that never was or is revoked. ``/api/v2`` takes keys only, no session and no bearer token."""

    status = 401
    title = "Send an API key"
    challenge = "ApiKey"


class ScopeMissing(Problem):
    """The key is valid, but not good for this: ``scope`` names what it would need. Make another key."""

    status = 403
    title = "The key is not good for this"


class TooManyApiKeys(Problem):
    """A user may have a hundred keys at a time."""

    status = 409
    title = "Too many keys"
