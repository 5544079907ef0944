from dataclasses import replace

import pytest

from riverrun.agents.deps import Location
from riverrun.agents.places import Place, format_place, normalise_path, parse_places, shown_path


@pytest.mark.parametrize(
    ("text", "path", "start", "end"),
    [
        ("a.py:10", "a.py", 10, 10),
        ("src/a.py:10-20", "src/a.py", 10, 20),
        ("./src/a.py:10-20", "src/a.py", 10, 20),
        ("/src/a.py:10-20", "src/a.py", 10, 20),
        ("src/a.py#L10-L20", "src/a.py", 10, 20),
        ("src/a.py#L10", "src/a.py", 10, 10),
        ("src/a.py:L10-L20", "src/a.py", 10, 20),
        ("src/a.py:10–20", "src/a.py", 10, 20),
        ("src\\a.py:10", "src/a.py", 10, 10),
        ("my file.py:10", "my file.py", 10, 10),
        ("C#/Foo.cs:3", "C#/Foo.cs", 3, 3),
        ("app/[[...slug]]/page.tsx:3", "app/[[...slug]]/page.tsx", 3, 3),
        ("Makefile:3", "Makefile", 3, 3),
        ("owner/name:src/a.py:10-20", "owner/name:src/a.py", 10, 20),
    ],
)
def test_a_place_is_read_in_each_of_its_spellings(text: str, path: str, start: int, end: int) -> None:
    assert parse_places(text) == [Place(path, start, end)]


def test_a_list_of_places_is_read_and_a_bare_range_belongs_to_the_path_before_it() -> None:
    assert parse_places("a.py:1-2, b.py:3; 7-9") == [
        Place("a.py", 1, 2),
        Place("b.py", 3, 3),
        Place("b.py", 7, 9),
    ]


@pytest.mark.parametrize(
    "text", ["", " ", "x", "link text", "a.py", "a.py:", ":10", "a.py: 10", " a.py:1", "a.py:x, b"]
)
def test_what_is_no_place_is_left_alone(text: str) -> None:
    assert parse_places(text) == []


def test_a_reversed_or_zero_range_is_read_but_not_plausible() -> None:
    assert not parse_places("a.py:20-10")[0].is_plausible
    assert not parse_places("a.py:0")[0].is_plausible


@pytest.mark.parametrize("path", ["RFC", "localhost", "127.0.0.1", "http://host/x.py", "1"])
def test_hosts_and_references_do_not_look_like_files(path: str) -> None:
    assert not Place(path, 1, 1).looks_like_a_file


def test_a_place_is_written_with_one_line_or_two() -> None:
    assert format_place(Place("a.py", 3, 3)) == "a.py:3"
    assert format_place(Place("a.py", 3, 4)) == "a.py:3-4"


def test_a_place_names_its_repository_where_a_conversation_has_several() -> None:
    alone = Location("owner/name", None, "src/a.py", 3, 4, "b10b")
    among_others = replace(alone, names_repo=True)
    assert (shown_path(alone), format_place(alone)) == ("src/a.py", "src/a.py:3-4")
    assert shown_path(among_others) == "owner/name:src/a.py"
    assert format_place(among_others) == "owner/name:src/a.py:3-4"
    assert parse_places(format_place(among_others)) == [Place(shown_path(among_others), 3, 4)]


def test_a_path_is_normalised_to_the_index_spelling() -> None:
    assert normalise_path(" ././src\\a.py ") == "src/a.py"
