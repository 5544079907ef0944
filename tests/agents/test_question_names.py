import pytest

from riverrun.agents.question_names import identifiers


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What does `Client.send()` do?", ["Client.send"]),
        ("Who calls parse_headers?", ["parse_headers"]),
        ("How is AsyncClient closed with close()?", ["AsyncClient", "close"]),
        ("What is __init__ for in os.path.join?", ["__init__", "os.path.join"]),
        ("Who calls Composer.#update?", ["Composer.#update"]),
        ("How, e.g. on GitHub.com, are keys checked?", []),
        ("How are `two words` found?", []),
    ],
)
def test_names_of_code_are_recognised(text: str, names: list[str]) -> None:
    assert identifiers(text) == names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("send", "send"),
        ("Who calls send?", "send"),
        ("who uses Order", "Order"),
        ("Which classes inherit from Order?", "Order"),
        ("What does halt do?", "halt"),
        ("What is an Order?", "Order"),
        ("Where is charge called?", "charge"),
        ("Where is the class Logger defined?", "Logger"),
        ("And refund?", "refund"),
    ],
)
def test_a_plain_word_in_the_place_of_a_name_may_be_one(text: str, name: str) -> None:
    assert identifiers(text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "How are redirects followed?",
        "Which function parses dates?",
        "What is the default timeout of a request?",
        "How does the parser call functions?",
        "Where is the session secret set?",
        "What does it do?",
        "Why?",
        "What is the Order class for?",
        "What does caching do when two requests arrive together?",
        "send " * 100,
    ],
)
def test_other_plain_words_are_no_names(text: str) -> None:
    assert identifiers(text) == []
