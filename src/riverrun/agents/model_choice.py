"""From settings to a model. Providers' libraries are imported only when one of their models is chosen."""

import os
from urllib.parse import urlsplit

from pydantic_ai.models import Model
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings

from riverrun.agents.errors import ModelNotConfigured
from riverrun.agents.extractive import extractive_model

# No silent retries: a provider may ask to wait a minute, and the reader is better told at once.
_SETTINGS = ModelSettings(max_retries=0)
_NO_KEY = "none"
"""Local servers ask for no key, but the client must send one."""
_OLLAMA_URL = "http://localhost:11434/v1"
_PROVIDERS = ("openai", "anthropic", "google", "ollama")


def choose_model(
    model: str | None,
    base_url: str | None = None,
    api_key: str | None = None,
    *,
    extractive_delay_seconds: float = 0.0,
) -> Model:
    """The model that ``RIVERRUN_MODEL``, ``RIVERRUN_MODEL_BASE_URL`` and ``RIVERRUN_MODEL_API_KEY`` name.

    ``provider:name`` with openai, anthropic, google or ollama; with a base URL any other name is taken as a
    model of the OpenAI-compatible server there. Without a key the provider's own variable is read. No model, or
    ``extractive``, is the built-in one, which pauses ``extractive_delay_seconds`` before each piece it streams.

    Touches no network. Raises :class:`ModelNotConfigured` with what to set.
    """
    name = (model or "").strip()
    url = _checked_url(base_url)
    api_key = _checked_key(api_key)
    if name in ("", "extractive"):
        if url and not name:
            raise ModelNotConfigured(
                f"RIVERRUN_MODEL_BASE_URL is set to {url}: set RIVERRUN_MODEL to a model there."
            )
        return extractive_model(extractive_delay_seconds)
    provider, separator, bare_name = name.partition(":")
    if not separator or provider not in _PROVIDERS:
        return _compatible(name, url, api_key)
    if not bare_name:
        raise ModelNotConfigured(f"RIVERRUN_MODEL is {name!r}: add the model's name after the colon.")
    return _of_provider(provider, bare_name, url, api_key)


def key_of(model: Model) -> str:
    """The key that a model sends, for whoever must not show it; empty when there is none, or its library hides it."""
    key = getattr(getattr(model, "client", None), "api_key", None)
    return key if isinstance(key, str) and key != _NO_KEY else ""


def _of_provider(provider: str, name: str, url: str | None, api_key: str | None) -> Model:
    match provider:
        case "anthropic":
            return _anthropic(name, url, _required_key(api_key, "ANTHROPIC_API_KEY"))
        case "google":
            return _google(name, url, _required_key(api_key, "GOOGLE_API_KEY", "GEMINI_API_KEY"))
        case "ollama":
            return _ollama(name, url or _OLLAMA_URL, api_key)
        case _:
            return (
                _compatible(name, url, api_key)
                if url
                else _openai(name, _required_key(api_key, "OPENAI_API_KEY"))
            )


def _openai(name: str, api_key: str) -> Model:
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIResponsesModel(name, provider=OpenAIProvider(api_key=api_key), settings=_SETTINGS)


def _anthropic(name: str, url: str | None, api_key: str) -> Model:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    return AnthropicModel(name, provider=AnthropicProvider(api_key=api_key, base_url=url), settings=_SETTINGS)


def _google(name: str, url: str | None, api_key: str) -> Model:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    return GoogleModel(name, provider=GoogleProvider(api_key=api_key, base_url=url), settings=_SETTINGS)


def _ollama(name: str, url: str, api_key: str | None) -> Model:
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    provider = OllamaProvider(base_url=url, api_key=api_key or _NO_KEY)
    return OllamaModel(name, provider=provider, profile=_never_cut(), settings=_SETTINGS)


def _compatible(name: str, url: str | None, api_key: str | None) -> Model:
    if url is None:
        raise ModelNotConfigured(
            f"RIVERRUN_MODEL is {name!r}: write provider:name with one of {', '.join(_PROVIDERS)}, "
            "or set RIVERRUN_MODEL_BASE_URL to an OpenAI-compatible server."
        )
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    provider = OpenAICompatibleProvider("compatible", base_url=url, api_key=api_key or _NO_KEY)
    return OpenAIChatModel(name, provider=provider, profile=_never_cut(), settings=_SETTINGS)


def _never_cut() -> ModelProfile:
    """A stream that ends without a reason may have been cut on its way, and would pass for a whole answer.

    Thinking in the text is told apart by us: the library knows its tags only where each comes in a piece of its own.
    """
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    return OpenAIModelProfile(
        openai_chat_streaming_requires_finish_reason=True, thinking_tags=("\0<think>", "\0</think>")
    )


def _required_key(api_key: str | None, *variables: str) -> str:
    candidates = (api_key, *(_checked_key(os.environ.get(variable)) for variable in variables))
    key = next(filter(None, candidates), None)
    if key is None:
        raise ModelNotConfigured(
            f"The chosen model needs a key: set RIVERRUN_MODEL_API_KEY or {variables[0]}."
        )
    return key


def _checked_key(key: str | None) -> str:
    """The key without the line feed that a mounted secret ends with; empty for none."""
    bare = (key or "").strip()
    if not (bare.isascii() and bare.isprintable()):
        raise ModelNotConfigured(
            "The model's key holds a character that cannot be sent: set RIVERRUN_MODEL_API_KEY, or the provider's own "
            "variable, to the key alone."
        )
    return bare


def _checked_url(base_url: str | None) -> str | None:
    url = (base_url or "").strip().rstrip("/")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelNotConfigured(
            f"RIVERRUN_MODEL_BASE_URL is {url!r}: set an address such as http://localhost:8000/v1."
        )
    return url
