"""Failures of models and their libraries, put so that a person knows what to do.

What a provider wrote is quoted in its own words only, and without what looks like a credential: some echo the request's headers.
"""

import math
import re
import socket
import ssl

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
)

from riverrun.agents.errors import AgentFailed, root_of
from riverrun.agents.listing import shorten
from riverrun.agents.text_repair import repair

_LONGEST_QUOTE = 300
_CREDENTIAL = re.compile(r"\bbearer\s+\S+|\b(?:sk|gsk|xai|key)-\S{8,}|\bAIza\S+", re.IGNORECASE)
_BLOT = "[…]"


def explain(error: Exception, key: str = "") -> AgentFailed:
    """The failure in words, ``key`` never among them; unknown errors are named by their type only."""
    if isinstance(error, AgentFailed):
        return error
    if isinstance(error, ModelAPIError):
        return _explain_provider(error, key)
    if isinstance(error, UsageLimitExceeded):
        return AgentFailed(
            "The answer took too many steps",
            "The model kept calling tools without coming to an answer. Ask something narrower.",
        )
    if isinstance(error, UnexpectedModelBehavior):
        return _explain_behaviour(error, key)
    return AgentFailed(
        "The model's answer could not be read",
        f"The connection to the model failed with {type(error).__name__}. The worker's log has the details; "
        "asking again may help.",
    )


def _explain_provider(error: ModelAPIError, key: str) -> AgentFailed:
    model = error.model_name
    match error:
        case ModelRateLimitError():
            wait = f" in {_in_words(error.retry_after)}" if error.retry_after else " in a moment"
            return AgentFailed(
                "The model is rate limited", f"{model} takes no more requests now. Ask again{wait}."
            )
        case ModelQuotaExceededError():
            return AgentFailed(
                "The model's quota is used up", f"The account behind {model} has no credit left."
            )
        case ModelAuthenticationError():
            return AgentFailed(
                "The model refused the API key",
                f"{model} did not accept the credentials. Check RIVERRUN_MODEL_API_KEY, or the provider's own "
                "variable, and that the key may use this model.",
            )
        case ModelNotFoundError():
            return AgentFailed(
                "There is no such model",
                f"The provider does not know {model!r}. Check RIVERRUN_MODEL and RIVERRUN_MODEL_BASE_URL.",
            )
        case _ if isinstance(error, ModelContextWindowExceededError) or _is_too_long(error):
            return AgentFailed(
                "The conversation is too long for the model",
                f"{model} cannot read this much at once. Start a new conversation or ask something narrower.",
            )
        case ModelTimeoutError() | ModelRequestTimeout():
            return AgentFailed(
                "The model did not answer in time", f"{model} sent nothing for too long. Ask again."
            )
        case ModelConnectionError(phase="read"):
            return AgentFailed(
                "The connection to the model broke off",
                f"{model} closed it in the middle of its answer. Ask again.",
            )
        case ModelConnectionError():
            return AgentFailed(
                "The model cannot be reached",
                f"There is no connection to the server of {model}{_why_not(root_of(error))}. Check RIVERRUN_MODEL_BASE_URL and "
                "that it runs.",
            )
        case ModelUnavailableError() | ModelServerError():
            return AgentFailed(
                "The model's server failed", f"{model} is overloaded or out of order. Ask again later."
            )
        case ModelRequestRejectedError():
            return AgentFailed("The model rejected the request", f"{model} said: {_quote(error, key)}")
        case _ if "finish_reason" in error.message:
            return AgentFailed(
                "The answer may be cut off", f"The server of {model} ended the stream without saying why."
            )
        case _ if isinstance(error.__cause__, ValueError):
            return AgentFailed(
                "The model's answer could not be read",
                f"The server of {model} sent something that is no valid JSON. Ask again, or check what runs there.",
            )
        case _:
            return AgentFailed("The model failed", f"{model} said: {_quote(error, key)}")


def _is_too_long(error: ModelAPIError) -> bool:
    """llama.cpp has words of its own for it, which the library does not know."""
    return "exceeds the available context size" in _own_words(error)


def _in_words(seconds: float) -> str:
    for name, length in (("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{math.ceil(seconds / length)} {name}"
    return f"{math.ceil(seconds)} seconds"


def _why_not(root: BaseException) -> str:
    """What the system says of a connection that was not made; it has seen no key by then."""
    match root:
        case ssl.SSLCertVerificationError():
            return f": its certificate is not trusted ({root.verify_message}); SSL_CERT_FILE may name the authority's"
        case ssl.SSLError():
            return ": it does not speak TLS as https wants it"
        case socket.gaierror():
            return ": no host of that name is known"
        case ConnectionRefusedError():
            return ": nothing listens there"
        case _:
            return ""


def no_answer() -> AgentFailed:
    """A model that said nothing, or nothing but spaces and line feeds."""
    return AgentFailed(
        "The model gave no answer",
        "Its last reply had no text in it. Ask again; if that does not help, check that what runs at RIVERRUN_MODEL_BASE_URL streams.",
    )


def too_many_tokens() -> AgentFailed:
    """A model that wants to go on although it has cost enough."""
    return AgentFailed(
        "The answer took too many tokens",
        "The model read or wrote more than one answer may cost. Ask something narrower.",
    )


def _explain_behaviour(error: UnexpectedModelBehavior, key: str) -> AgentFailed:
    match error:
        case OutputTokenLimitExceeded():
            return AgentFailed("The answer was cut off", "The model reached the longest output it may write.")
        case ContentFilterError():
            return AgentFailed(
                "The model's provider refused to answer", "Its content filter stopped the answer."
            )
        case _ if error.message.startswith("Tool "):
            return AgentFailed(
                "The model kept making malformed tool calls",
                "It was told what was wrong and did not correct it. A more capable model may help.",
            )
        case _ if error.message.startswith(("Exceeded maximum output retries", "Streamed response ended")):
            return no_answer()
        case _:
            return AgentFailed("The model's answer could not be used", _quote(error, key))


def _quote(error: ModelAPIError | UnexpectedModelBehavior, key: str) -> str:
    words = _own_words(error)
    if key:
        words = words.replace(key, _BLOT)
    return shorten(" ".join(_CREDENTIAL.sub(_BLOT, repair(words)).split()), _LONGEST_QUOTE)


def _own_words(error: ModelAPIError | UnexpectedModelBehavior) -> str:
    """The provider's own sentence, wherever its kind of server puts it, else the status alone."""
    match error.body:
        case (
            {"message": str(words)}
            | {"error": {"message": str(words)}}
            | {"error": str(words)}
            | {"detail": str(words)}
        ) if words:
            return words
    return f"status {error.status_code}" if isinstance(error, ModelHTTPError) else error.message
