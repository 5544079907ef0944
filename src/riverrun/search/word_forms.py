"""Forms of an English word: who asks how something *is redirected* means the code that *redirects*.

Guesses are cheap: a form that is no word stands in no code and so finds nothing.
"""

from functools import lru_cache

SHORTEST_STEM = 3

_IRREGULAR = {
    "began": "begin", "begun": "begin", "bound": "bind", "broken": "break", "built": "build", "caught": "catch",
    "chosen": "choose", "done": "do", "driven": "drive", "found": "find", "gave": "give", "given": "give",
    "held": "hold", "hidden": "hide", "kept": "keep", "left": "leave", "lost": "lose", "made": "make", "met": "meet",
    "ran": "run", "sent": "send", "shown": "show", "slept": "sleep", "spent": "spend", "spoken": "speak",
    "taken": "take", "thrown": "throw", "told": "tell", "understood": "understand", "woken": "wake",
    "written": "write", "wrote": "write",
}  # fmt: skip
_ENDINGS = (
    ("ies", ("y",)), ("ied", ("y",)), ("ization", ("ize",)), ("ation", ("", "e", "ate")), ("ition", ("", "e")),
    ("ion", ("", "e")), ("ing", ("", "e")), ("ed", ("", "e")), ("er", ("", "e")), ("or", ("", "e")), ("ment", ("",)),
    ("able", ("", "e")), ("ly", ("",)), ("al", ("", "e")), ("ness", ("",)), ("ity", ("", "e")), ("ive", ("", "e")),
)  # fmt: skip
"""How a word may end, and what then stood at the end of the word it comes from."""
_VOWELS = frozenset("aeiou")
_DOUBLED = ("ed", "ing", "er")


@lru_cache(maxsize=10_000)
def base_forms(word: str) -> frozenset[str]:
    """The word itself and the words that it may come from: ``redirection`` gives ``redirect``."""
    found = {word, _IRREGULAR.get(word, word)}
    for ending, originals in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= SHORTEST_STEM:
            found.update(stem + original for original in originals)
            if stem[-1] == stem[-2]:
                found.add(stem[:-1])
    return frozenset(found)


@lru_cache(maxsize=10_000)
def word_forms(word: str) -> frozenset[str]:
    """Every form that may be meant along with the word, itself included."""
    return frozenset(form for base in base_forms(word) for form in _inflected(base))


def _inflected(base: str) -> set[str]:
    stem = base.removesuffix("e")
    forms = {
        base,
        f"{stem}ed",
        f"{stem}ing",
        f"{stem}er",
        f"{stem}or",
        f"{stem}ion",
        f"{stem}ation",
        f"{stem}al",
    }
    forms |= {f"{stem}able", f"{base}ment", f"{base}ly"}
    if base.endswith("y"):
        forms.add(f"{base[:-1]}ied")
    if _doubles_its_consonant(base):
        forms.update(base + base[-1] + ending for ending in _DOUBLED)
    return forms | {form for form, original in _IRREGULAR.items() if original == base}


def _doubles_its_consonant(base: str) -> bool:
    """As in ``stop``, ``stopped``: consonant, vowel, consonant."""
    if len(base) < SHORTEST_STEM or base[-1] in "wxy":
        return False
    return base[-1] not in _VOWELS and base[-2] in _VOWELS and base[-3] not in _VOWELS
