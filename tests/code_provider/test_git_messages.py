"""What git complains of, in words: by what happened, whatever the repository is called."""

import pytest

from riverrun.code_provider.git_messages import explanation, is_broken, is_missing

UNABLE = "fatal: unable to access 'https://git.example/{path}/': {reason}\n"


@pytest.mark.parametrize(
    ("path", "reason", "words"),
    [
        ("openssl/openssl", "The requested URL returned error: 503", "does not answer as a git server"),
        ("a/certificates", "The requested URL returned error: 500", "does not answer as a git server"),
        ("a/unreachable", "The requested URL returned error: 404", "has no such repository"),
        ("a/b", "SSL certificate problem: self-signed certificate", "has no valid certificate"),
        (
            "a/b",
            "The requested URL returned error: 429",
            "git.example asks for fewer requests: try again later.",
        ),
        ("openssl/openssl", "The requested URL returned error: 429", "asks for fewer requests"),
    ],
)
def test_a_repositorys_name_does_not_explain_a_failure(path: str, reason: str, words: str) -> None:
    assert words in explanation(UNABLE.format(path=path, reason=reason), "git.example", "")


def test_a_repositorys_name_does_not_make_it_broken_or_missing() -> None:
    said = UNABLE.format(path="a/corrupt", reason="The requested URL returned error: 503")
    assert not is_broken(said)
    assert not is_missing(said)
    assert is_missing("fatal: repository 'https://git.example/a/b/' not found\n")


def test_ids_of_another_kind_are_named() -> None:
    said = "fatal: mismatched algorithms: client sha1; server sha256\n"
    assert "as a folder only" in explanation(said, "git.example", "")
