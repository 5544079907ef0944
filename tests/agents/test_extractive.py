import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agents.folder_index import FolderIndex
from tests.agents.recorded_events import RecordedEvents
from tests.support.waiting import wait_until_async

from riverrun.agents.deps import Excerpt, Location, SearchHit
from riverrun.agents.evidence import Evidence
from riverrun.agents.extractive import extractive_model, pieces
from riverrun.agents.extractive_answer import MOST_TERMS, NOTE, compose_answer
from riverrun.agents.runner import Turn, answer_question

CLIENT = '''\
"""An HTTP client."""


class Client:
    """Sends requests and follows redirects."""

    def send(self, request):
        """Send one request. Follows redirects up to a limit."""
        return self.follow_redirect(request, limit=5)

    def follow_redirect(self, request, limit):
        """Follow a redirect, at most ``limit`` times."""
        return request
'''
MAIN = "from client import Client\n\n\ndef main():\n    return Client().send(1)\n"
COOKIES = 'def store_cookie(jar):\n    """Store a cookie in *jar*."""\n'
INDEX = FolderIndex({"client.py": CLIENT, "app/main.py": MAIN, "cookies.py": COOKIES})


async def answer(question: str, *history: str, index: FolderIndex = INDEX) -> RecordedEvents:
    events = RecordedEvents()
    turns = [Turn("user" if number % 2 == 0 else "assistant", text) for number, text in enumerate(history)]
    await answer_question(question, turns, index, extractive_model(), events.emit)
    return events


async def test_it_searches_reads_and_asks_for_callers_like_any_model() -> None:
    events = await answer("How are redirects followed up to a limit?")
    assert [call["name"] for call in events.of("tool_call")] == ["search_code", "read_file", "find_callers"]
    assert len({call["call_id"] for call in events.of("tool_call")}) == 3
    assert events.types[-1] == "text"


async def test_the_best_definition_is_told_quoted_shown_and_cited() -> None:
    events = await answer("How are redirects followed up to a limit?")
    assert events.text.startswith(
        "The best match is the method **`Client.follow_redirect`** [client.py:11-13]."
    )
    assert "\n> Follow a redirect, at most `limit` times.\n" in events.text
    assert "```python\ndef follow_redirect(self, request, limit):" in events.text
    assert "`follow_redirect` is called in `Client.send` [client.py:9]." in events.text
    assert events.text.endswith(NOTE + "\n")
    assert {(place["path"], place["start_line"]) for place in events.of("citation")} >= {
        ("client.py", 11),
        ("client.py", 9),
    }


async def test_every_marker_it_writes_resolves() -> None:
    events = await answer("How are redirects followed up to a limit?")
    cited = {f"[{place['path']}:" for place in events.of("citation")}
    assert cited == {"[client.py:"}
    assert len(events.of("citation")) == events.text.count("[client.py:")


async def test_a_name_in_the_question_comes_first() -> None:
    events = await answer("What does Client.send do about cookies?")
    assert [call["name"] for call in events.of("tool_call")][:2] == ["search_code", "find_symbol"]
    assert events.text.startswith("The question names the method **`Client.send`** [client.py:7-9].")
    assert "`send` is called in `main` [app/main.py:5]." in events.text


async def test_who_calls_is_answered_by_callers_first() -> None:
    text = (await answer("Who calls `send`?")).text
    assert text.index("is called in") < text.index("> Send one request")


def composed(question: str, line: str, lines: int = 400) -> str:
    """The answer to a question that found one definition of so many equal lines."""
    place = Location("example/repo", "c0ffee", "long.py", 1, lines, "b")
    hit = SearchHit(place, "wanted", "function", "def wanted()", "", 1.0)
    excerpt = Excerpt(place, "\n".join([line] * lines), lines)
    return compose_answer(Evidence(question, question, searched=[hit], excerpt=excerpt))


def test_whether_callers_are_asked_for_is_read_in_the_first_thousand_characters() -> None:
    """From each ``who`` on, a search of the whole text would look for a call to its end."""
    no_call = "No call of `wanted` was found outside of its own lines"
    assert no_call in composed("who " * 200 + "calls it?", "pass")
    assert no_call not in composed("who " * 400_000 + "calls it?", "pass")


def test_of_a_long_question_the_first_terms_are_looked_for() -> None:
    first = " ".join(f"first{number:04}" for number in range(MOST_TERMS))
    later = " ".join(f"later{number:04}" for number in range(100_000))
    assert composed(f"{first} {later}", first).startswith("The best match is")
    assert composed(f"{first} {later}", later[:90_000]).startswith("Nothing in the index matches")


async def test_a_follow_up_is_about_the_last_question() -> None:
    events = await answer("Who calls it?", "What does Client.send do?", "It sends.")
    assert "**`Client.send`**" in events.text.split("\n")[0]
    again = await answer("And why?", "What does Client.send do?", "It sends.", "Who calls it?", "main")
    assert "**`Client.send`**" in again.text.split("\n")[0]


async def test_a_follow_up_of_a_word_that_means_nothing_alone_keeps_the_subject() -> None:
    files = {**INDEX.files, "tests/test_client.py": "def test_send():\n    assert Client().send(1)\n"}
    text = (
        await answer("Show me the test", "What does Client.send do?", "It sends.", index=FolderIndex(files))
    ).text
    assert "**`Client.send`**" in text.split("\n")[0]
    assert "\n\n`send` is called in `test_send` [tests/test_client.py:2].\n\n" in text
    none = (await answer("Show me the test", "What does Client.send do?", "It sends.")).text
    assert "\n\nNo test in its language calls `send` by name.\n\n" in none


async def test_a_question_about_the_repository_is_answered_by_its_readme() -> None:
    files = {"README.md": "# Zebra\n\nPaints zebras.\n", "docs/README.md": "Other.\n", **INDEX.files}
    events = await answer("What does this project do?", index=FolderIndex(files))
    assert events.text.startswith(
        "The repository says of itself in `README.md` [README.md:3]:\n\n> Paints zebras.\n"
    )
    assert len(events.of("citation")) == 1


async def test_without_a_readme_the_search_answers() -> None:
    files = {"app.py": 'def main():\n    """The purpose of the program."""\n'}
    text = (await answer("What is the main purpose of the program?", index=FolderIndex(files))).text
    assert text.startswith("The index has no README that introduces the repository.")
    assert "**`main`** [app.py:1-2]" in text


async def test_tests_stand_behind_the_code_they_test_unless_asked_for() -> None:
    files = {
        "src/net.py": 'def retry_request():\n    """Retry a request."""\n',
        "tests/test_net.py": 'def test_retry_request_retries():\n    """Retry a request, retry a request."""\n',
    }
    assert (
        "`retry_request`"
        in (await answer("How is a request retried?", index=FolderIndex(files))).text.split("\n")[0]
    )
    assert (
        "`test_retry"
        in (await answer("Which test covers retry of a request?", index=FolderIndex(files))).text.split("\n")[
            0
        ]
    )


async def test_calls_of_special_methods_are_not_guessed_by_name() -> None:
    files = {"a.py": 'class Signer:\n    def __call__(self, cookie):\n        """Sign a cookie."""\n'}
    events = await answer("Who signs a cookie when it is called?", index=FolderIndex(files))
    assert "find_callers" not in [call["name"] for call in events.of("tool_call")]
    assert "is called in" not in events.text


async def test_nothing_found_is_said_plainly_with_what_to_try() -> None:
    events = await answer("How are zebras painted?")
    assert events.text.startswith("I found nothing in the index that matches this question.")
    assert "`zebras`, `painted`" in events.text
    assert not events.of("citation")
    assert [call["name"] for call in events.of("tool_call")] == ["search_code"]


async def test_a_poor_match_is_called_one() -> None:
    events = await answer("How do zebras, lions, giraffes and a cookie get painted?")
    assert events.text.startswith(
        "Nothing in the index matches the question well. The nearest is the function"
    )


async def test_a_failing_index_is_no_empty_one() -> None:
    class BrokenIndex(FolderIndex):
        def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
            raise ConnectionError

    events = await answer("redirects?", index=BrokenIndex({}))
    assert events.text.startswith("The code index could not be read")


@pytest.mark.parametrize(
    "question", ["?", "the", "x" * 30_000, "\x00\ud800", "[client.py:1]", "```", "ünïcödé 漢字"]
)
async def test_any_question_gets_an_answer(question: str) -> None:
    assert (await answer(question)).text.endswith(NOTE + "\n")


async def test_documentation_that_poses_as_markup_or_citation_does_no_harm() -> None:
    hostile = (
        'def trap():\n    """``` [no/such.py:1] <script>alert(1)</script> ``` trap."""\n    return "```"\n'
    )
    text = (await answer("trap", index=FolderIndex({"t.py": hostile}))).text
    assert "````python" in text
    assert text.endswith(NOTE + "\n")


async def test_it_streams_in_pieces_and_a_delay_makes_room_to_interrupt() -> None:
    events = RecordedEvents()
    model = extractive_model(delay_seconds=3_600)
    task = asyncio.create_task(answer_question("redirect", [], INDEX, model, events.emit))
    await wait_until_async(lambda: events.of("tool_result"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len((await answer("redirect")).of("text")) > 5


@given(st.text(max_size=300))
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
