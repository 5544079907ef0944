import pytest
from pydantic_ai import ToolFailed
from tests.agents.folder_index import FolderIndex
from tests.agents.tool_context import context

from riverrun.agents.deps import Excerpt, SearchHit
from riverrun.agents.listing import MAX_RESULT_BYTES
from riverrun.agents.tools import find_callers, find_symbol, list_files, read_file, search_code

SOURCE = '''\
def retry(times):
    """Try again when the connection fails."""
    return times


def main():
    retry(3)
'''
INDEX = FolderIndex({"src/net.py": SOURCE, "docs/long.md": "line é\n" * 5_000, "min.js": "x" * 100_000})


async def test_search_shows_places_signatures_and_what_definitions_say() -> None:
    found = await search_code(context(INDEX), "when does a connection fail")
    assert found.return_value == (
        "1. [src/net.py:1-3] function retry\n   def retry(times)\n   Try again when the connection fails."
    )
    assert isinstance(found.metadata[0], SearchHit)


async def test_search_without_a_match_or_a_word_answers_in_words() -> None:
    assert "Nothing in the index matches 'zebra'" in str(
        (await search_code(context(INDEX), "zebra")).return_value
    )
    assert "at least one word" in str((await search_code(context(INDEX), "  ")).return_value)


async def test_reading_shows_numbered_lines_and_how_long_the_file_is() -> None:
    found = await read_file(context(INDEX), "./src/net.py", 6, 99)
    assert found.return_value == "[src/net.py:6-7] of 7 lines\n6: def main():\n7:     retry(3)"
    assert isinstance(found.metadata, Excerpt)


async def test_reading_without_an_end_is_bounded_in_lines_and_bytes() -> None:
    found = await read_file(context(INDEX), "docs/long.md")
    assert found.metadata.location.end_line == 400
    assert len(str(found.return_value).encode()) <= MAX_RESULT_BYTES


async def test_a_file_of_one_endless_line_is_cut() -> None:
    found = await read_file(context(INDEX), "min.js")
    assert len(str(found.return_value)) < 2_000


@pytest.mark.parametrize(
    ("path", "start", "end", "words"),
    [
        ("no/such.py", 1, 2, "no 'no/such.py'"),
        ("src/net.py", 99, 120, "with a line 99"),
        ("src/net.py", 5, 2, "the end lies before the start"),
        ("../../etc/passwd", 1, None, "no '../../etc/passwd'"),
    ],
)
async def test_what_cannot_be_read_is_said_in_words(
    path: str, start: int, end: int | None, words: str
) -> None:
    assert words in str((await read_file(context(INDEX), path, start, end)).return_value)


async def test_symbols_and_callers_are_found_by_any_spelling_of_a_name() -> None:
    assert "[src/net.py:1-3] function retry" in str(
        (await find_symbol(context(INDEX), "`retry()`")).return_value
    )
    assert (await find_callers(context(INDEX), "retry()")).return_value == "[src/net.py:7] in main"
    assert "No call of 'main'" in str((await find_callers(context(INDEX), "main")).return_value)
    assert "Give the name" in str((await find_symbol(context(INDEX), "``")).return_value)


async def test_files_are_listed_by_a_glob() -> None:
    assert (await list_files(context(INDEX), "*.py")).return_value == "src/net.py"
    assert "No indexed file matches '*.rb'" in str((await list_files(context(INDEX), "*.rb")).return_value)


async def test_a_long_list_is_bounded_and_says_so() -> None:
    index = FolderIndex({f"{'deep/' * 40}{number}.txt": "" for number in range(200)})
    listed = str((await list_files(context(index))).return_value)
    assert len(listed.encode()) <= MAX_RESULT_BYTES
    assert listed.endswith("(more files match; use a narrower pattern)")


async def test_a_failing_index_is_told_to_the_model_and_never_raised_at_the_reader() -> None:
    class BrokenIndex(FolderIndex):
        def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
            raise ConnectionError("password=secret")

    with pytest.raises(ToolFailed) as failure:
        await search_code(context(BrokenIndex({})), "x")
    assert str(failure.value) == "The code index cannot be read right now. Say so in the answer."
