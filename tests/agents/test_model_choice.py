import subprocess
import sys

import pytest
from pydantic_ai.models.function import FunctionModel

from riverrun.agents.errors import ModelNotConfigured
from riverrun.agents.model_choice import choose_model, key_of

KEY_VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OLLAMA_API_KEY")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in KEY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("nothing", [None, "", "  ", "extractive"])
def test_without_a_model_the_built_in_one_answers(nothing: str | None) -> None:
    model = choose_model(nothing, None, None)
    assert isinstance(model, FunctionModel)
    assert model.model_name == "extractive"


@pytest.mark.parametrize(
    ("name", "base_url", "system", "model_name"),
    [
        ("openai:gpt-5", None, "openai", "gpt-5"),
        ("anthropic:claude-sonnet-4-5", None, "anthropic", "claude-sonnet-4-5"),
        ("google:gemini-2.5-pro", None, "google", "gemini-2.5-pro"),
        ("ollama:qwen3:8b", None, "ollama", "qwen3:8b"),
        ("openai:gpt-5", "http://gateway/v1", "compatible", "gpt-5"),
        ("anthropic:claude-sonnet-4-5", "http://gateway", "anthropic", "claude-sonnet-4-5"),
        ("qwen3:8b", "http://localhost:8000/v1", "compatible", "qwen3:8b"),
        ("org/model", "http://localhost:8000/v1/", "compatible", "org/model"),
    ],
)
def test_a_model_is_chosen_by_its_provider_and_address(
    name: str, base_url: str | None, system: str, model_name: str
) -> None:
    model = choose_model(name, base_url, "a-key")
    assert (model.system, model.model_name) == (system, model_name)
    assert model.settings
    assert model.settings["max_retries"] == 0
    if base_url:
        assert (model.base_url or "").startswith(base_url.rstrip("/"))


def test_ollama_and_compatible_servers_need_no_key() -> None:
    assert (choose_model("ollama:qwen3").base_url or "").startswith("http://localhost:11434/v1")
    assert choose_model("m", "http://localhost:8000/v1").model_name == "m"


def test_a_providers_own_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key")
    assert choose_model("anthropic:claude-sonnet-4-5").model_name == "claude-sonnet-4-5"


@pytest.mark.parametrize(
    ("name", "base_url", "words"),
    [
        ("openai:gpt-5", None, "OPENAI_API_KEY"),
        ("anthropic:x", None, "ANTHROPIC_API_KEY"),
        ("google:x", None, "GOOGLE_API_KEY"),
        ("gpt-5", None, "provider:name"),
        ("mystery:x", None, "provider:name"),
        ("openai:", None, "after the colon"),
        (None, "http://localhost:8000/v1", "RIVERRUN_MODEL "),
        ("m", "localhost:8000", "RIVERRUN_MODEL_BASE_URL"),
        ("m", "file:///etc/passwd", "RIVERRUN_MODEL_BASE_URL"),
    ],
)
def test_what_is_missing_is_said(name: str | None, base_url: str | None, words: str) -> None:
    with pytest.raises(ModelNotConfigured) as refusal:
        choose_model(name, base_url, None)
    assert words in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_a_key_is_sent_without_what_a_mounted_secret_ends_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key\r\n")
    for model in (choose_model("m", "http://h/v1", " a-key\n"), choose_model("anthropic:claude")):
        assert key_of(model) == "a-key"


@pytest.mark.parametrize("key", ["kéy", "two\nlines", "nul\0"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ModelNotConfigured, match="RIVERRUN_MODEL_API_KEY") as refused:
        choose_model("m", "http://h/v1", key)
    assert key not in str(refused.value)


def test_the_built_in_model_imports_no_providers_library() -> None:
    code = (
        "import sys; from riverrun.agents.model_choice import choose_model; choose_model(None);"
        "print([name for name in ('openai', 'anthropic', 'google.genai') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
