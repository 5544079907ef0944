"""Who calls a definition. Calls are found by name alone, so no sentence claims more than that."""

from collections.abc import Sequence

from riverrun.agents.code_language import call_each_other
from riverrun.agents.deps import CallSite
from riverrun.agents.evidence import Hit
from riverrun.agents.file_roles import is_in_tests
from riverrun.agents.places import format_place
from riverrun.agents.prose import code_span, listed
from riverrun.agents.tools import MOST_CALL_SITES


def called_name(hit: Hit) -> str:
    """What a call of the definition looks like by name; empty when calls do not name it (``__call__``, a heading)."""
    if hit.kind == "section":
        return ""
    owner, _, name = hit.name.rpartition(".")
    if name == "__init__":
        return owner.rpartition(".")[2]
    return "" if name.startswith("__") else name


def tell_callers(sites: Sequence[CallSite], hit: Hit, most: int) -> str:
    """The first callers, those in tests last, and how many more there are; empty when there is none to tell."""
    outside = [site for site in sites if _may_call(site, hit)]
    by_caller = {(_file_of(site), site.caller): site for site in reversed(outside)}
    callers = sorted(
        by_caller.values(), key=lambda site: (is_in_tests(site.location.path), outside.index(site))
    )
    places = [f"{_caller_name(site)} [{format_place(site.location)}]" for site in callers[:most]]
    if rest := len(callers) - len(places):
        least = "" if _are_all(sites) else "at least "
        places.append(f"{least}{rest} more place{'s' if rest > 1 else ''}")
    return f"{code_span(called_name(hit))} is called in {listed(places)}." if places else ""


def deny_callers(sites: Sequence[CallSite], hit: Hit) -> str:
    """That there is no caller to tell, as far as was looked."""
    name = code_span(called_name(hit))
    if _are_all(sites):
        return f"No call of {name} was found outside of its own lines, in files of its language."
    return (
        f"The first {len(sites)} calls of a {name} all lie in its own lines or in files of other languages."
    )


def tell_tests(sites: Sequence[CallSite], hit: Hit, most: int) -> str:
    """The tests that call the definition, or that none does; empty when more calls exist than were looked at."""
    in_tests = [site for site in sites if is_in_tests(site.location.path)]
    if told := tell_callers(in_tests, hit, most):
        return told
    return f"No test in its language calls {code_span(called_name(hit))} by name." if _are_all(sites) else ""


def _are_all(sites: Sequence[CallSite]) -> bool:
    return len(sites) < MOST_CALL_SITES


def _may_call(site: CallSite, hit: Hit) -> bool:
    return call_each_other(site.location.path, hit.location.path) and not _is_inside(site, hit)


def _file_of(found: CallSite | Hit) -> tuple[str, str, str]:
    """Another one in each version of a repository, unless nothing of it has changed."""
    return found.location.repo, found.location.path, found.location.blob


def _is_inside(site: CallSite, hit: Hit) -> bool:
    return (
        _file_of(site) == _file_of(hit)
        and hit.location.start_line <= site.location.start_line <= hit.location.end_line
    )


def _caller_name(site: CallSite) -> str:
    return code_span(site.caller) if site.caller else f"the top level of {code_span(site.location.path)}"
