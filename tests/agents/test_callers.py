from riverrun.agents.callers import called_name, deny_callers, tell_callers, tell_tests
from riverrun.agents.deps import CallSite, Location, SymbolHit
from riverrun.agents.tools import MOST_CALL_SITES


def place(path: str, first: int, last: int) -> Location:
    return Location("example/repo", None, path, first, last, "b")


def definition(path: str = "src/a.py", name: str = "Client.send", kind: str = "method") -> SymbolHit:
    return SymbolHit(place(path, 10, 20), name, kind, "", "")


def sites(*paths: str, line: int = 1) -> list[CallSite]:
    return [CallSite(place(path, line, line), f"caller{number}") for number, path in enumerate(paths)]


def test_callers_in_tests_are_told_last() -> None:
    told = tell_callers(sites("tests/test_a.py", "src/b.py"), definition(), most=3)
    assert told == "`send` is called in `caller1` [src/b.py:1] and `caller0` [tests/test_a.py:1]."


def test_more_callers_are_counted_and_only_at_least_where_the_look_was_cut() -> None:
    few = sites(*["src/b.py"] * 5)
    many = sites(*["src/b.py"] * MOST_CALL_SITES)
    assert tell_callers(few, definition(), most=3).endswith("[src/b.py:1] and 2 more places.")
    assert tell_callers(many, definition(), most=3).endswith("and at least 47 more places.")


def test_code_of_another_language_is_no_caller() -> None:
    assert tell_callers(sites("web/app.js"), definition(), most=3) == ""
    assert "[b.ts:1]" in tell_callers(sites("b.ts"), definition("a.jsx"), most=3)
    assert "[b.hpp:1]" in tell_callers(sites("b.hpp"), definition("a.c"), most=3)


def test_that_nobody_calls_is_claimed_no_further_than_was_looked() -> None:
    inside = sites("src/a.py", line=12)
    assert tell_callers(inside, definition(), most=3) == ""
    assert deny_callers(inside, definition()) == (
        "No call of `send` was found outside of its own lines, in files of its language."
    )
    elsewhere = sites(*["web/app.js"] * MOST_CALL_SITES)
    assert deny_callers(elsewhere, definition()) == (
        "The first 50 calls of a `send` all lie in its own lines or in files of other languages."
    )


def test_what_calls_do_not_name_has_no_name_to_call() -> None:
    assert called_name(definition(name="Client.__init__")) == "Client"
    assert called_name(definition(name="Client.__call__")) == ""
    assert called_name(definition("README.md", "Installing", "section")) == ""


def test_only_tests_are_told_where_tests_are_asked_for() -> None:
    told = tell_tests(sites("tests/test_a.py", "src/b.py"), definition(), most=3)
    assert told == "`send` is called in `caller0` [tests/test_a.py:1]."
    assert (
        tell_tests(sites("src/b.py"), definition(), most=3) == "No test in its language calls `send` by name."
    )
    assert tell_tests(sites(*["src/b.py"] * MOST_CALL_SITES), definition(), most=3) == ""
