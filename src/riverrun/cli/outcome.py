"""How a run ended, in words."""

from typing import Any

from riverrun.cli.client_errors import ClientError


class RunFailed(ClientError):
    """The run ended without its result."""


def require_completed(end: dict[str, Any] | None) -> None:
    """Raise ``RunFailed`` unless this is the ``end`` of a run that did all it should."""
    if end is None:
        raise RunFailed("the run has no end")
    if end["status"] == "cancelled":
        raise RunFailed("the run was stopped")
    if end["status"] != "completed":
        raise RunFailed(error_in_words(end.get("error")))


def error_in_words(error: object) -> str:
    """A problem document, or whatever else a run may carry as its error, as one sentence."""
    if isinstance(error, dict):
        title, detail = str(error.get("title") or "the run failed"), str(error.get("detail") or "")
        return f"{title}: {detail}" if detail and detail != title else title
    return str(error or "the run failed")


def receipt_in_words(receipt: dict[str, Any]) -> str:
    """What a stop left behind."""
    status, chars = receipt["status"], receipt.get("chars") or 0
    if status in ("queued", "running"):
        return "the stop is noted; the worker has not answered yet"
    if status != "cancelled":
        return f"there was nothing to stop, the run had ended: {status}"
    return (
        f"stopped; {chars} characters of the answer are saved"
        if chars
        else "stopped; nothing had been written yet"
    )
