"""Write docs/problems.md: one section a problem, out of its class. Run it after a problem was added or reworded.

A problem is a subclass of ``riverrun.kit.problem.Problem`` in ``kit/problem.py`` or in a domain's ``errors.py``; its
docstring is what its section says.
"""

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from riverrun.kit.problem import Problem

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "problems.md"

OPENING = """\
# Problems

Every error that Riverrun answers with is a document of RFC 9457, `application/problem+json`:

```json
{"type": "/problems/subject-busy", "title": "A run is under way", "status": 409,
 "detail": "Wait for the run's end, or stop it first.", "run_id": "01a20ca9-669f-716a-a7fc-b0e219e25e1f"}
```

`type` is stable: programs decide by it. `detail` is for people: it says what happened and what to do, and its words may
change. Some problems carry more members, named below.

A run that ends in error carries the same document in the `error` member of its `end` event; see
[streaming.md](streaming.md#end).

Some answers have no section. A body that cannot be parsed at all may be a 400 of type `about:blank`. `GET /health/ready`
answers 503 with its own document, which says of each server what is wrong with it. What is no HTTP that the server
understands, such as a method that it does not know or a line of 70 kB, is a 400 in plain text.

This page is written by `scripts/write_problems.py` out of the classes.
"""


def problem_classes() -> list[type[Problem]]:
    """Every problem, by status and then by type."""
    for module in problem_modules():
        import_module(module)
    return sorted(subclasses(Problem), key=lambda kind: (kind.status, kind.type_uri()))


def problem_modules() -> Iterator[str]:
    """Where problems are defined, as module names."""
    source = ROOT / "src"
    for path in [source / "riverrun/kit/problem.py", *sorted((source / "riverrun").glob("*/errors.py"))]:
        yield ".".join(path.relative_to(source).with_suffix("").parts)


def subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    """The class's own descendants."""
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def section(kind: type[Problem]) -> str:
    """A problem's part of the page."""
    words = inspect.cleandoc(kind.__doc__ or "")
    return f"## {kind.title}\n\n`{kind.type_uri()}` · {kind.status}\n\n{words.replace('``', '`')}\n"


def page() -> str:
    """The whole page."""
    return "\n".join([OPENING, *map(section, problem_classes())])


if __name__ == "__main__":
    PAGE.write_text(page())
