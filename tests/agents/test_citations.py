from hypothesis import given
from hypothesis import strategies as st
from tests.agents.folder_index import FolderIndex

from riverrun.agents.citations import CitationFilter
from riverrun.agents.deps import Excerpt, Location

FILES = {
    "src/a.py": "x = 1\n" * 30,
    "Makefile": "all:\n",
    "app/[[...slug]]/page.tsx.py": "y = 2\n",
    "my file.py": "z\n",
}
INDEX = FolderIndex(FILES)


def filtered(*chunks: str) -> tuple[str, list[str]]:
    """The whole text that came out, and the places cited, each where it came in the order."""
    citations = CitationFilter(INDEX)
    output = [item for chunk in chunks for item in citations.feed(chunk)]
    output += citations.flush()
    return merged(output)


def merged(output: list[str | Location]) -> tuple[str, list[str]]:
    text, places = "", []
    for item in output:
        if isinstance(item, Location):
            places.append(f"{item.path}:{item.start_line}-{item.end_line}@{len(text)}")
        else:
            text += item
    return text, places


def test_a_marker_that_resolves_stays_and_its_place_follows_at_once() -> None:
    assert filtered("See [src/a.py:2-4].") == ("See [src/a.py:2-4].", ["src/a.py:2-4@18"])


def test_the_location_carries_repo_commit_and_blob_of_the_index() -> None:
    output = CitationFilter(INDEX).feed("[src/a.py:2]")
    expected = INDEX.read_file("src/a.py", 2, 2)
    assert expected
    assert output[1] == expected.location


def test_a_marker_is_recognised_across_chunks_of_one_character() -> None:
    text = "See [src/a.py:2-4] and [src/a.py:5]."
    assert filtered(*text) == filtered(text)


def test_only_what_may_become_a_marker_is_held_back() -> None:
    citations = CitationFilter(INDEX)
    assert list(citations.feed("All of this")) == ["All of this"]
    assert list(citations.feed(" goes [")) == [" goes"]
    assert list(citations.feed("src/a.py:2")) == []
    assert next(iter(citations.feed("]"))) == " [src/a.py:2]"


def test_a_place_is_cited_once_however_often_it_is_marked() -> None:
    text, places = filtered("[src/a.py:2] and [./src/a.py#L2]")
    assert text == "[src/a.py:2] and [src/a.py:2]"
    assert len(places) == 1


def test_other_spellings_leave_in_the_normal_one() -> None:
    assert filtered("[./src/a.py#L2-L4]")[0] == "[src/a.py:2-4]"
    assert filtered("[src/a.py:2-4, 7; Makefile:1]")[0] == "[src/a.py:2-4] [src/a.py:7] [Makefile:1]"


def test_an_unknown_file_is_removed_with_the_space_before_it() -> None:
    assert filtered("Done in src [no/such.py:1]. Next") == ("Done in src. Next", [])


def test_lines_beyond_the_file_are_removed() -> None:
    assert filtered("a [src/a.py:31] b [src/a.py:30-31] c [src/a.py:9-3] d [src/a.py:0]") == ("a b c d", [])


def test_of_a_list_only_what_resolves_remains() -> None:
    assert filtered("x [src/a.py:1, no/such.py:2]")[0] == "x [src/a.py:1]"


def test_adjoining_markers_are_judged_each_on_its_own() -> None:
    assert filtered("[src/a.py:1][no/such.py:2][src/a.py:3]")[0] == "[src/a.py:1][src/a.py:3]"


def test_slices_ports_links_and_task_lists_are_no_markers() -> None:
    text = "items[1:10] data[self.pos:10] [localhost:8080] [127.0.0.1:80] [RFC:2119] [a](b.py) - [ ] - [x] f()[a.b:1]"
    assert filtered(text) == (text, [])


def test_a_file_without_an_extension_is_cited_when_it_exists() -> None:
    assert filtered("[Makefile:1]")[1] == ["Makefile:1-1@12"]


def test_paths_with_brackets_or_spaces_are_cited() -> None:
    assert filtered("[app/[[...slug]]/page.tsx.py:1] [my file.py:1]")[1] == [
        "app/[[...slug]]/page.tsx.py:1-1@31",
        "my file.py:1-1@46",
    ]


def test_a_marker_inside_an_unfinished_bracket_is_found() -> None:
    assert filtered("[note [src/a.py:1] more")[1] == ["src/a.py:1-1@18"]
    assert filtered("[note [src/a.py:1] more]")[1] == ["src/a.py:1-1@18"]


def test_fenced_code_is_left_alone_and_text_after_it_is_not() -> None:
    code = "```python\nx = [no/such.py:1]\n```\n"
    assert filtered(code + "[no/such.py:1]") == (code, [])


def test_a_fence_ends_only_with_one_of_its_own_kind_and_length() -> None:
    for code in (
        "````\n```\n[no/such.py:1]\n````\n",
        "~~~\n```\n[no/such.py:1]\n~~~\n",
        "- ```\n  [no/such.py:1]\n  ```\n",
    ):
        assert filtered(code + "[no/such.py:1]") == (code, [])


def test_inline_code_in_triple_backticks_opens_no_fence() -> None:
    assert filtered("```x``` [no/such.py:1]\n[no/such.py:1]")[0] == "```x``` [no/such.py:1]\n"


def test_an_unfinished_marker_at_the_end_leaves_as_text() -> None:
    assert filtered("see [src/a.py:1") == ("see [src/a.py:1", [])


def test_a_marker_does_not_span_lines() -> None:
    assert filtered("see [src/\na.py:1]") == ("see [src/\na.py:1]", [])


def test_ten_thousand_open_brackets_pass_through() -> None:
    assert filtered("[" * 10_000) == ("[" * 10_000, [])


def test_what_cannot_be_checked_because_the_index_fails_is_not_cited() -> None:
    class BrokenIndex(FolderIndex):
        def read_file(self, path: str, start_line: int = 1, end_line: int | None = None) -> Excerpt | None:
            raise ConnectionError("the database went away")

    assert list(CitationFilter(BrokenIndex({})).feed("a [src/a.py:1] b")) == ["a b"]


MARKERS = st.sampled_from(
    [
        "[src/a.py:1]",
        "[src/a.py:2-5]",
        "[./src/a.py#L3]",
        "[no/such.py:1]",
        "[src/a.py:99]",
        "[Makefile:1]",
        "[x:1]",
    ]
)
FRAGMENTS = st.sampled_from(
    ["[", "]", " ", "\n", "```", "```py", "~~~", "`", "- ", "> ", "a", "é", "😀", ":", "1", "src/a.py"]
)
TEXTS = st.lists(MARKERS | FRAGMENTS | st.text(max_size=4), max_size=40).map("".join)


@given(TEXTS, st.data())
def test_any_chunking_of_a_text_gives_the_same_output(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=len(text))))
    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert filtered(*chunks) == filtered(text)


@given(TEXTS)
def test_each_cited_place_directly_follows_its_marker(text: str) -> None:
    left, places = filtered(text)
    for place in places:
        path, lines = place.split("@")[0].rsplit(":", 1)
        start, end = lines.split("-")
        marker = f"[{path}:{start}]" if start == end else f"[{path}:{lines}]"
        assert left[: int(place.split("@")[1])].endswith(marker)


@given(
    st.lists(
        st.sampled_from(["[no/such.py:1]", "[src/a.py:99]", " ", ", ", "\n", "and ", "[x] "]), max_size=20
    )
)
def test_no_marker_that_does_not_resolve_ever_leaves(pieces: list[str]) -> None:
    left, places = filtered(" ".join(pieces))
    assert not places
    assert "no/such.py" not in left
    assert "src/a.py" not in left


@given(st.text(alphabet="abc []\n`~:/.1-", max_size=200))
def test_text_without_a_place_in_it_passes_unchanged(text: str) -> None:
    if ":1" not in text:
        assert filtered(text) == (text, [])
