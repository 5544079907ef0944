"""What the worker's log says of a model that failed: never what a provider answered, which may echo the API key."""

import logging
from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior

from riverrun.agents.errors import root_of

_log = logging.getLogger(__name__)


def log_failure(error: Exception) -> None:
    """With its traceback, unless a provider's answer hangs on it; then by types, status and model alone.

    A traceback prints the errors behind the error too, and those of the providers' libraries quote the answer.
    """
    chain = list(_chain(error, set()))
    if not any(map(_holds_answer, chain)):
        _log.info("the model failed", exc_info=error)
        return
    _log.info(
        "the model failed: %s, first %s, status %s, model %s",
        " from ".join(type(one).__name__ for one in chain),
        type(root_of(error)).__name__,
        _first(chain, "status_code"),
        _first(chain, "model_name"),
    )


def _chain(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    """The error and all that a traceback would print with it."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _chain(part, seen)
    yield from _chain(error.__cause__ or (None if error.__suppress_context__ else error.__context__), seen)


def _holds_answer(error: BaseException) -> bool:
    """pydantic-ai's quote what was sent, as pydantic's do; the providers' libraries' keep it as ``body`` or ``response``."""
    if isinstance(error, ModelAPIError | UnexpectedModelBehavior | ValidationError):
        return True
    return any(getattr(error, name, None) is not None for name in ("body", "response"))


def _first(chain: list[BaseException], name: str) -> object:
    return next((value for one in chain if (value := getattr(one, name, None)) is not None), "unknown")
