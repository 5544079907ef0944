"""How the extractive model writes: short, in Markdown, each statement with the place it was taken from."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from riverrun.agents.callers import called_name, deny_callers, tell_callers, tell_tests
from riverrun.agents.code_window import CodeWindow, best_window
from riverrun.agents.deps import Excerpt
from riverrun.agents.evidence import Evidence, Hit
from riverrun.agents.file_answer import tell_file, tell_folder
from riverrun.agents.guide_answer import tell_guide
from riverrun.agents.hit_order import is_named
from riverrun.agents.hit_text import bullet, describe, signature
from riverrun.agents.places import format_place, shown_path
from riverrun.agents.prose import code_span, first_sentences
from riverrun.agents.question_names import identifiers
from riverrun.agents.question_terms import SoughtTerms, coverage, terms
from riverrun.agents.readme import introduction

NOTE = (
    "*Extractive answer: quoted from the index, not written by a language model. For explanations set "
    "`RIVERRUN_MODEL`, for example to `openai:gpt-5`, `anthropic:claude-sonnet-4-5` or `ollama:qwen3`.*"
)
_ASKS_FOR_CALLERS = re.compile(r"\b(?:who|what|which|where)\b.*\b(?:calls?|called|callers?)\b", re.IGNORECASE)
_ASKS_FOR_USES = re.compile(
    r"\b(?:who|what|which|where)\b.*\b(?:uses?|used|usages?|invokes?|invoked)\b", re.IGNORECASE
)
"""``where is Client used?`` asks for callers, ``which database is used?`` does not: only of what is named."""
_ASKS_FOR_TESTS = re.compile(r"\b(?:tests?|tested)\b", re.IGNORECASE)
_CHARS_THAT_ASK = 1_000
"""Looked through for the question about callers: a longer text is no such question, and the search is quadratic."""
MOST_TERMS = 256
"""As many of a question's terms are looked for: a pasted log says in its head what it is about."""
_MOST_CALLERS = 3
_MOST_CALLERS_ASKED_FOR = 8
_WEAK_COVERAGE = 0.45


def compose_answer(evidence: Evidence) -> str:
    """The whole answer, ending with a note that it is extractive."""
    return "\n\n".join([*_paragraphs(evidence), NOTE]) + "\n"


def _paragraphs(evidence: Evidence) -> Iterator[str]:
    if file := evidence.file:
        return tell_file(file, evidence)
    if folder := evidence.folder:
        return tell_folder(folder, evidence.paths)
    if lines := evidence.guiding_lines:
        return tell_guide(lines, evidence)
    if evidence.readme and evidence.excerpt:
        return _introduction(evidence.excerpt)
    return _report(evidence, evidence.best) if evidence.best else _apology(evidence)


def _introduction(readme: Excerpt) -> Iterator[str]:
    path = code_span(shown_path(readme.location))
    is_at_root = "/" not in readme.location.path
    says = (
        f"The repository says of itself in {path}"
        if is_at_root
        else f"The README nearest to the root, {path}, says"
    )
    paragraphs = introduction(readme.text)
    if not paragraphs:
        yield f"{says} nothing in prose at its beginning [{format_place(readme.location)}]."
        return
    start = readme.location.start_line - 1
    first, last = start + paragraphs[0].first_line, start + paragraphs[-1].last_line
    yield f"{says} [{format_place(replace(readme.location, start_line=first, end_line=last))}]:"
    yield "\n>\n".join(f"> {paragraph.text}" for paragraph in paragraphs)


def _report(evidence: Evidence, best: Hit) -> Iterator[str]:
    question_terms = terms(evidence.subject)[:MOST_TERMS]
    asked_for = _calls_asked_for(evidence, best)
    yield _lead(evidence, best, question_terms)
    if asked_for:
        yield asked_for
    if summary := first_sentences(best.docstring):
        yield f"> {summary}"
    if window := _window(evidence, best, question_terms):
        yield from _show(window, best)
    if not asked_for and (callers := tell_callers(evidence.callers, best, _MOST_CALLERS)):
        yield callers
    if others := [bullet(hit) for hit in evidence.hits[1:]]:
        yield "Also related:"
        yield "\n".join(others)


def _calls_asked_for(evidence: Evidence, best: Hit) -> str:
    """The calls that the question asks for, or that there are none; empty when it asks for none."""
    if evidence.has_failed or not called_name(best):
        return ""
    asked = evidence.question[:_CHARS_THAT_ASK]
    is_of_a_name = is_named(best, evidence.names)
    if is_of_a_name and _ASKS_FOR_TESTS.search(asked):
        return tell_tests(evidence.callers, best, _MOST_CALLERS_ASKED_FOR)
    if _ASKS_FOR_CALLERS.search(asked) or (is_of_a_name and _ASKS_FOR_USES.search(asked)):
        told = tell_callers(evidence.callers, best, _MOST_CALLERS_ASKED_FOR)
        return told or deny_callers(evidence.callers, best)
    return ""


def _lead(evidence: Evidence, best: Hit, question_terms: Sequence[str]) -> str:
    subject = describe(best)
    if is_named(best, identifiers(evidence.question)):
        return f"The question names {subject}."
    if evidence.nearly_named and best is evidence.nearly_named[1]:
        name = code_span(evidence.nearly_named[0])
        return f"Nothing is called exactly {name}. The name most like it is of {subject}."
    if evidence.is_about_the_whole:
        return f"The index has no README that introduces the repository. The nearest to the question is {subject}."
    if coverage(question_terms, _text_of(evidence, best)) < _WEAK_COVERAGE:
        return f"Nothing in the index matches the question well. The nearest is {subject}."
    return f"The best match is {subject}."


def _show(window: CodeWindow, best: Hit) -> Iterator[str]:
    if window.is_whole:
        yield window.fenced
        return
    if best.signature and not window.starts_at_top:
        yield signature(best)
    place = replace(best.location, start_line=window.place.start_line, end_line=window.place.end_line)
    yield f"The part that fits best [{format_place(place)}]:"
    yield window.fenced


def _apology(evidence: Evidence) -> Iterator[str]:
    if evidence.has_failed:
        yield "The code index could not be read, so there is no answer to this question now. Ask again in a moment."
        return
    yield "I found nothing in the index that matches this question."
    if looked_for := terms(evidence.subject):
        yield f"Looked for: {', '.join(code_span(term) for term in looked_for[:12])}."
    yield (
        "What may help: the name of a function, class or file, the words that the code itself uses, "
        "or a look whether the repository has been indexed completely."
    )


def _window(evidence: Evidence, best: Hit, question_terms: Sequence[str]) -> CodeWindow | None:
    """The lines to show; the definition's own name stands everywhere and tells none from another."""
    if evidence.excerpt is None:
        return None
    in_its_name = SoughtTerms(question_terms).found_in(best.name)
    return best_window(evidence.excerpt, [term for term in question_terms if term not in in_its_name])


def _text_of(evidence: Evidence, best: Hit) -> str:
    code = evidence.excerpt.text if evidence.excerpt else ""
    return " ".join([best.location.path, best.name, best.signature, best.docstring, code])
