"""What git says when it fails, in words for a person."""

import re

_NO_SUCH_REPOSITORY = "{host} has no such repository, or it is private."
_EXPLANATIONS = {
    r"returned error: 429": "{host} asks for fewer requests: try again later.",
    r"mismatched algorithms": "The repository has SHA-256 ids: it can be indexed as a folder only.",
    r"could not read Username|Authentication failed|returned error: 40[13]": _NO_SUCH_REPOSITORY,
    r"not found|returned error: (?:30\d|404|410)": _NO_SUCH_REPOSITORY,
    r"Could not resolve": "The host {host} is not known. Is the address right?",
    r"Failed to connect|Connection refused|Couldn't connect|No route|unreachable": "{host} cannot be reached.",
    r"timed out|too slow|Timeout was reached": "{host} does not answer, or much too slowly.",
    r"SSL|certificate|TLS": "{host} has no valid certificate.",
    r"No space left|disk full": "The server's disk is full.",
    r"valid: is this a git repository|hung up|early EOF|RPC failed|protocol error|Empty reply|returned error: 5": (
        "{host} does not answer as a git server does."
    ),
}
_MISSING = re.compile(r"not found|returned error: (?:30\d|404)")
_NO_REF = re.compile(r"couldn't find remote ref|Remote branch .* not found")
_NOT_BY_ID = re.compile(r"unadvertised object|not our ref|did not send all necessary objects")
_QUOTED_URL = re.compile(r"'[a-z]+://[^'\n]*'")
"""Git names it in its complaints, and its owner chose what it says."""
_BROKEN = re.compile(r"bad object|corrupt|loose object|packfile .* cannot|not a git repository: ")


def is_missing(said: str) -> bool:
    """Whether the server knows no repository of this name, or knows it by another one."""
    said = _without_urls(said)
    return bool(_MISSING.search(said)) and not _NO_REF.search(said)


def is_broken(said: str) -> bool:
    """Whether the clone on our own disk is damaged."""
    return bool(_BROKEN.search(_without_urls(said)))


def is_refused_by_id(said: str) -> bool:
    """Whether the server does not give a commit by its id, maybe because it has none of that id."""
    return bool(_NOT_BY_ID.search(_without_urls(said)))


def explanation(said: str, host: str, branch: str) -> str:
    """One sentence about why a fetch failed."""
    if _NO_REF.search(said):
        return (
            f"The repository has no branch {branch!r}."
            if branch
            else "The repository is empty: it has no commit to index. If it is not, check the address."
        )
    for pattern, words in _EXPLANATIONS.items():
        if re.search(pattern, _without_urls(said), re.IGNORECASE):
            return words.format(host=host)
    last = said.strip().splitlines()[-1:] or ["it gave no reason"]
    return f"git could not fetch from {host}: {last[0][:300]}"


def _without_urls(said: str) -> str:
    return _QUOTED_URL.sub("''", said)
