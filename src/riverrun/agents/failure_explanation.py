"""Failures of models and their libraries, put so that a person knows what to do.

What a provider wrote is quoted only where it cannot hold a credential: answers to a refused key may echo it.
"""

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
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

from riverrun.agents.errors import AgentFailed
from riverrun.agents.listing import shorten
from riverrun.agents.text_repair import repair

_LONGEST_QUOTE = 300


def explain(error: Exception) -> AgentFailed:
    """The failure in words; unknown errors are named by their type only."""
    if isinstance(error, AgentFailed):
        return error
    if isinstance(error, ModelAPIError):
        return _explain_provider(error)
    if isinstance(error, UsageLimitExceeded):
        return _explain_limit(error)
    if isinstance(error, UnexpectedModelBehavior):
        return _explain_behaviour(error)
    return AgentFailed(
        "The model's answer could not be read",
        f"The connection to the model failed with {type(error).__name__}. The worker's log has the details; "
        "asking again may help.",
    )


def _explain_provider(error: ModelAPIError) -> AgentFailed:
    model = error.model_name
    match error:
        case ModelRateLimitError():
            wait = f" in {error.retry_after:.0f} seconds" if error.retry_after else " in a moment"
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
        case ModelContextWindowExceededError():
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
                f"There is no connection to the server of {model}. Check RIVERRUN_MODEL_BASE_URL and that it runs.",
            )
        case ModelUnavailableError() | ModelServerError():
            return AgentFailed(
                "The model's server failed", f"{model} is overloaded or out of order. Ask again later."
            )
        case ModelRequestRejectedError():
            return AgentFailed("The model rejected the request", f"{model} said: {_quote(error)}")
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
            return AgentFailed("The model failed", f"{model} said: {_quote(error)}")


def no_answer() -> AgentFailed:
    """A model that said nothing, or nothing but spaces and line feeds."""
    return AgentFailed("The model gave no answer", "It ended without a word. Ask again.")


def _explain_limit(error: UsageLimitExceeded) -> AgentFailed:
    if "tokens" in error.message:
        return AgentFailed(
            "The answer took too many tokens",
            "The model read or wrote more than one answer may cost. Ask something narrower.",
        )
    return AgentFailed(
        "The answer took too many steps",
        "The model kept calling tools without coming to an answer. Ask something narrower.",
    )


def _explain_behaviour(error: UnexpectedModelBehavior) -> AgentFailed:
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
            return AgentFailed("The model's answer could not be used", _quote(error))


def _quote(error: ModelAPIError | UnexpectedModelBehavior) -> str:
    """The provider's own sentence if its error has one."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    words = message if isinstance(message, str) and message else error.message
    return shorten(" ".join(repair(words).split()), _LONGEST_QUOTE)
