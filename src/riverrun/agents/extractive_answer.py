"""How the extractive model writes: short, in Markdown, each statement with the place it was taken from."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from riverrun.agents.code_window import CodeWindow, best_window
from riverrun.agents.deps import CallSite, Excerpt
from riverrun.agents.evidence import Evidence, Hit, is_in_tests, is_named
from riverrun.agents.listing import shorten
from riverrun.agents.places import format_place
from riverrun.agents.prose import code_span, first_sentences, introduction, listed
from riverrun.agents.question_terms import SoughtTerms, coverage, terms

NOTE = (
    "*Extractive answer: quoted from the index, not written by a language model. For explanations set "
    "`RIVERRUN_MODEL`, for example to `openai:gpt-5`, `anthropic:claude-sonnet-4-5` or `ollama:qwen3`.*"
)
_ASKS_FOR_CALLERS = re.compile(r"\b(?:who|what|which|where)\b.*\b(?:calls?|called|callers?)\b", re.IGNORECASE)
_CHARS_THAT_ASK = 1_000
"""Looked through for the question about callers: a longer text is no such question, and the search is quadratic."""
MOST_TERMS = 256
"""As many of a question's terms are looked for: a pasted log says in its head what it is about."""
_MOST_CALLERS = 3
_MOST_CALLERS_ASKED_FOR = 8
_WEAK_COVERAGE = 0.45
_LONGEST_SIGNATURE = 160
_LONGEST_SIGNATURE_IN_LIST = 80


def compose_answer(evidence: Evidence) -> str:
    """The whole answer, ending with a note that it is extractive."""
    best = evidence.best
    if evidence.readme and evidence.excerpt:
        paragraphs = _introduction(evidence.excerpt)
    else:
        paragraphs = _report(evidence, best) if best else _apology(evidence)
    return "\n\n".join([*paragraphs, NOTE]) + "\n"


def called_name(hit: Hit) -> str:
    """What a call of the definition looks like by name; empty when calls do not name it (``__call__``)."""
    owner, _, name = hit.name.rpartition(".")
    if name == "__init__":
        return owner.rpartition(".")[2]
    return "" if name.startswith("__") else name


def _introduction(readme: Excerpt) -> Iterator[str]:
    paragraphs = introduction(readme.text)
    yield f"The repository says of itself in {code_span(readme.location.path)} [{format_place(readme.location)}]:"
    yield (
        "\n>\n".join(f"> {paragraph}" for paragraph in paragraphs) if paragraphs else "Nothing but headings."
    )


def _report(evidence: Evidence, best: Hit) -> Iterator[str]:
    question_terms = terms(evidence.subject)[:MOST_TERMS]
    asks_for_callers = _ASKS_FOR_CALLERS.search(evidence.question[:_CHARS_THAT_ASK]) is not None
    callers = _callers(
        evidence.callers, best, most=_MOST_CALLERS_ASKED_FOR if asks_for_callers else _MOST_CALLERS
    )
    yield _lead(evidence, best, question_terms)
    if asks_for_callers and called_name(best):
        yield callers or f"No call of {code_span(called_name(best))} was found in the index."
    if summary := first_sentences(best.docstring):
        yield f"> {summary}"
    if window := _window(evidence, best, question_terms):
        yield from _show(window, best)
    if callers and not asks_for_callers:
        yield callers
    if others := [_bullet(hit) for hit in evidence.hits[1:]]:
        yield "Also related:"
        yield "\n".join(others)


def _lead(evidence: Evidence, best: Hit, question_terms: Sequence[str]) -> str:
    subject = f"{_describe(best)} {_marker(best)}"
    if is_named(best, evidence.question):
        return f"The question names {subject}."
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
        yield _signature(best, _LONGEST_SIGNATURE)
    place = replace(best.location, start_line=window.place.start_line, end_line=window.place.end_line)
    yield f"The part that fits best [{format_place(place)}]:"
    yield window.fenced


def _callers(sites: Sequence[CallSite], best: Hit, most: int) -> str:
    """Calls are found by name alone, so the sentence claims no more than that."""
    outside = [site for site in sites if not _is_inside(site, best)]
    by_caller = {(site.location.repo, site.location.path, site.caller): site for site in reversed(outside)}
    callers = sorted(
        by_caller.values(), key=lambda site: (is_in_tests(site.location.path), outside.index(site))
    )
    places = [f"{_caller_name(site)} [{format_place(site.location)}]" for site in callers[:most]]
    if rest := len(callers) - len(places):
        places.append(f"{rest} more place{'s' if rest > 1 else ''}")
    return f"{code_span(called_name(best))} is called in {listed(places)}." if places else ""


def _bullet(hit: Hit) -> str:
    summary = first_sentences(hit.docstring, most=1)
    if not summary and hit.signature:
        summary = _signature(hit, _LONGEST_SIGNATURE_IN_LIST)
    return f"- {_describe(hit)} {_marker(hit)}{': ' + summary if summary else ''}"


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


def _signature(hit: Hit, limit: int) -> str:
    one_line = " ".join(hit.signature.split()).replace("( ", "(").replace(", )", ")")
    return code_span(shorten(one_line, limit))


def _describe(hit: Hit) -> str:
    if hit.name:
        return f"the {hit.kind} **{code_span(hit.name)}**"
    return f"a passage of {code_span(hit.location.path)}"


def _marker(hit: Hit) -> str:
    return f"[{format_place(hit.location)}]"


def _caller_name(site: CallSite) -> str:
    return code_span(site.caller) if site.caller else f"the top level of {code_span(site.location.path)}"


def _text_of(evidence: Evidence, best: Hit) -> str:
    code = evidence.excerpt.text if evidence.excerpt else ""
    return " ".join([best.location.path, best.name, best.signature, best.docstring, code])


def _is_inside(site: CallSite, hit: Hit) -> bool:
    same_file = (site.location.repo, site.location.path) == (hit.location.repo, hit.location.path)
    return same_file and hit.location.start_line <= site.location.start_line <= hit.location.end_line
