"""Words that are not all ASCII, cut into parts: where a hump or another script begins, and Chinese and Japanese in pairs."""

import re
from collections.abc import Iterator
from itertools import pairwise

_RUN = re.compile(r"[^\W\d_]+\d*|\d+")
_UNSPACED = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
"""Scripts that are written without spaces between words."""


def parts_of_any_script(word: str) -> list[str]:
    """``größeBerechnen`` gives ``größe Berechnen``, and ``parseFile在哪里`` gives ``parse File 在哪 哪里``.

    Which letters of Chinese or Japanese make a word only a dictionary knows: each two that stand side by side are a
    part, so that any word of two or more is found within a sentence.
    """
    return [part for run in _RUN.findall(word) for piece in _cut(run) for part in _pairs(piece)]


def _cut(run: str) -> Iterator[str]:
    start = 0
    for place in range(1, len(run)):
        if _begins_part(run[place - 1], run[place], run[place + 1 : place + 2]):
            yield run[start:place]
            start = place
    yield run[start:]


def _begins_part(before: str, here: str, after: str) -> bool:
    if bool(_UNSPACED.match(before)) != bool(_UNSPACED.match(here)):
        return True
    if before.isdigit() or here.isdigit():
        return False
    if _is_cased(before) != _is_cased(here):
        return True
    return here.isupper() and (before.islower() or (before.isupper() and after.islower()))


def _is_cased(letter: str) -> bool:
    return letter.islower() or letter.isupper()


def _pairs(piece: str) -> Iterator[str]:
    if len(piece) > 1 and _UNSPACED.fullmatch(piece):
        yield from map("".join, pairwise(piece))
    else:
        yield piece
