"""Secrets for doors: made once, shown once, stored as a hash."""

import hashlib
import secrets

PREFIX = "rr_"


def new_token() -> str:
    """256 random bits, recognisable to secret scanners by its prefix."""
    return PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 in hex; a token is random enough that nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
