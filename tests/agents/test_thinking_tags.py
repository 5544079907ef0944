from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.agents.thinking_tags import ThinkingTags

TEXTS = [
    ("<think>I look.</think>\n\nIt is 42.", "I look.", "It is 42."),
    ("\n <think>\nI look.</think>It is 42.", "\nI look.", "It is 42."),
    ("<think></think>It is 42.", "", "It is 42."),
    ("It is <think>no</think> 42.", "", "It is <think>no</think> 42."),
    ("<think>a < b </thin </think> c </think>", "a < b </thin ", "c </think>"),
    ("<think>It never ends</thi", "It never ends</thi", ""),
    ("<thin", "", "<thin"),
    ("<thinking>no</thinking>", "", "<thinking>no</thinking>"),
    ("  It is 42. ", "", "  It is 42. "),
    (" \n", "", " \n"),
    ("", "", ""),
]


def told_apart(pieces: list[str], tags: ThinkingTags) -> tuple[str, str]:
    told = [pair for piece in pieces for pair in tags.feed(piece)] + list(tags.flush())
    thought = "".join(words for is_thought, words in told if is_thought)
    return thought, "".join(words for is_thought, words in told if not is_thought)


@pytest.mark.parametrize(("text", "thought", "said"), TEXTS)
def test_thinking_in_front_of_an_answer_is_told_apart(text: str, thought: str, said: str) -> None:
    assert told_apart([text], ThinkingTags()) == (thought, said)


@given(st.sampled_from(TEXTS), st.lists(st.integers(0, 60), max_size=8))
def test_it_does_not_matter_where_the_text_is_cut(text: tuple[str, str, str], cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(text[0])]
    pieces = [text[0][start:end] for start, end in pairwise(ends)]
    assert told_apart(pieces, ThinkingTags()) == text[1:]


def test_the_next_stretch_may_begin_with_thinking_again() -> None:
    tags = ThinkingTags()
    assert told_apart(["I look."], tags) == ("", "I look.")
    assert told_apart(["<think>Hm.</think>", "Here."], tags) == ("Hm.", "Here.")
