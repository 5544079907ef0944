"""The whole of ``docs/async-migration-results.md``, and the pictures beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.baseline import compare_with
from bench.ratios import Ratio
from bench.results.claims import Standing
from bench.results.ledger import entries
from bench.results.level_tables import endpoint_section
from bench.results.pictures import pictures_of
from bench.results.plan_steps import FULL, NUMBERED, PLAN, PROOF, STEPS, Step
from bench.results.raw_results import RawResult, read_result

HEAD = """# Results of the async migration

`make bench` measures this and writes this file: nobody types a figure into it. `make bench-full` adds the numbered benchmarks.
The same routers and services are played over sync drivers on the loop (`blocking`: what was before), sync drivers in threads
(`threads`), the plan's form (`plan`: native, streams on the thread pool) and the product (`riverrun`), arm by arm in turns on
one machine. [Benchmarks](benchmarks.md) says how. Brackets are intervals of 95 %.
"""
MARKS = {
    Standing.HELD: "**held**",
    Standing.NOT_HELD: "🔴 **not held**",
    Standing.NOT_MEASURED: "not measured",
}
LEDGER_RULES = """Against `blocking`, at the highest level of each endpoint. p95 is flat within 10 %, as far as the twins of a run
may be apart. What the interval does not decide counts as not measured. A promise is held only where every endpoint holds it.
"""
SMOKE = "**These figures mean nothing: they are of a run that only proves that everything works.**"


@dataclass(frozen=True, slots=True)
class Document:
    """Writes what is known. ``baselines`` is a folder that may not be there."""

    results: Mapping[str, RawResult]
    baselines: Path
    images: str = "images/results"
    """Where the pictures are, seen from the document."""
    scripts: Path = field(default=Path(__file__).parents[2])

    def pictures(self) -> dict[str, str]:
        """SVG by file name."""
        return {name: svg for result in self.results.values() for name, svg in pictures_of(result).items()}

    def text(self) -> str:
        """Markdown."""
        parts = [self._head(), self._ledger(), self._regressions(), *map(self._step, STEPS), self._numbered()]
        return "\n".join(line for part in parts for line in part).rstrip() + "\n"

    def _head(self) -> Iterator[str]:
        yield HEAD
        if any(result.is_smoke for result in self.results.values()):
            yield SMOKE + "\n"
        yield "## Environment\n"
        yield from _environments(list(self.results.values()))
        yield "\n| script | begun | commit | load before | took, s | |\n|---|---|---|--:|--:|---|"
        for name in FULL:
            yield self._run(name)
        yield ""

    def _run(self, name: str) -> str:
        if (result := self.results.get(name)) is None:
            return f"| {name} | | | | | not measured: {self._why_missing(name)} |"
        known = result.environment
        took = "" if result.took_seconds is None else f"{result.took_seconds:.0f}"
        faults = "; ".join(
            (*(f"broke off: {one}" for one in result.failures), *(f"void: {one}" for one in result.void))
        )
        cells = (
            name,
            known.get("date", ""),
            known.get("commit", ""),
            known.get("load_before", ""),
            took,
            _cell(faults),
        )
        return f"| {' | '.join(map(str, cells))} |"

    def _why_missing(self, name: str, step: Step | None = None) -> str:
        if name != PROOF and not (self.scripts / f"benchmark_{name}.py").exists():
            steps = [step] if step is not None else [one for one in STEPS if name in one.benchmarks]
            why = "; ".join(one.missing for one in steps if one.missing)
            return why or f"there is no benchmark_{name}.py yet"
        return "was not run" if name in PLAN else "`make bench-full` measures it"

    def _ledger(self) -> Iterator[str]:
        yield "## Ledger of the plan's promises\n"
        yield LEDGER_RULES
        yield "| promise | arm | | figure |\n|---|---|---|---|"
        for entry in entries(self.results):
            yield f"| {entry.claim} | `{entry.arm}` | {MARKS[entry.standing]} | {_cell(entry.figure)} |"
        yield ""

    def _regressions(self) -> Iterator[str]:
        yield "## Against the stored baselines\n"
        files = {name: self.baselines / f"{name}.json" for name in self.results}
        found = {
            name: compare_with(read_result(path), self.results[name].report())
            for name, path in files.items()
            if path.exists()
        }
        if not found:
            yield "Not measured: no baseline is kept (`make bench-baseline` keeps one)."
        for name, one in found.items():
            yield from (f"- 🔴 **worse: {name}**, {line}" for line in one.worse)
        unlike = [name for name, one in found.items() if not one.compared]
        if unlike:
            yield f"Not measured: nothing could be compared with the baselines of {', '.join(unlike)}."
        alike = [name for name in found if name not in unlike]
        if alike and not any(one.worse for one in found.values()):
            yield f"Nothing is worse than in the baselines of {', '.join(alike)}."
        yield ""

    def _step(self, step: Step) -> Iterator[str]:
        yield f"## Step {step.number}: {step.title}\n"
        yield step.change + "\n"
        for name in (*step.benchmarks, *step.shown_at):
            yield from self._benchmark(name, step)

    def _benchmark(self, name: str, step: Step) -> Iterator[str]:
        result = self.results.get(name)
        if result is None:
            yield f"{name}: not measured, {self._why_missing(name, step)}.\n"
            return
        yield f"### {name}\n"
        if result.failures:
            yield f"🔴 Not measured to the end: {'; '.join(result.failures)}.\n"
        if result.void:
            yield f"🔴 **Void**, so nothing follows from it: {'; '.join(result.void)}.\n"
        for picture in pictures_of(result):
            kind = picture.removesuffix(".svg").rpartition("-")[2]
            yield f"![{name}: {kind} by arm]({self.images}/{picture})\n"
        for scenario in result.scenarios:
            yield from endpoint_section(result, scenario)
            yield ""
        if not result.scenarios and result.ratios:
            yield from _ratios(result.ratios)
            yield ""

    def _numbered(self) -> Iterator[str]:
        yield "## Benchmarks 1 to 14, and the monitor\n"
        yield "| # | what | ratio | target | |\n|---|---|---|---|---|"
        for number, what in NUMBERED.items():
            ratios = [
                ratio
                for result in self.results.values()
                if not result.is_smoke
                for ratio in result.ratios
                if ratio.id == number
            ]
            yield from (_numbered_row(what, ratio) for ratio in ratios)
            if not ratios:
                yield f"| {number} | {what} | not measured | | |"


def _environments(results: Sequence[RawResult]) -> Iterator[str]:
    """One line a machine and set of versions; more than one is told, since only one can be compared."""
    said = dict.fromkeys(
        ", ".join(
            (
                f"{known['cores']} cores",
                f"{known['system']}",
                f"Python {known['python']}",
                *(f"{name} {version}" for name, version in known.get("versions", {}).items()),
            )
        )
        for known in (result.environment for result in results)
        if "python" in known
    )
    yield "\n".join(f"- {line}" for line in said) if said else "Not measured: nothing was run."


def _ratios(ratios: Sequence[Ratio]) -> Iterator[str]:
    yield "| # | what | ratio | target | |\n|---|---|---|---|---|"
    yield from (_numbered_row(ratio.name, ratio) for ratio in ratios)


def _numbered_row(what: str, ratio: Ratio) -> str:
    between = f" [{ratio.ci95[0]:,.3g} .. {ratio.ci95[1]:,.3g}]" if ratio.ci95 is not None else ""
    target = "" if ratio.target is None else f"{ratio.bound} {ratio.target:g}"
    met = {None: "", True: "met", False: "🔴 **missed**"}[ratio.met]
    note = "; ".join(word for word in (met, ratio.note) if word)
    words = what if ratio.name == what else f"{what}: {ratio.name}"
    return f"| {ratio.id} | {words} | {ratio.value:,.4g}{ratio.unit}{between} | {target} | {_cell(note)} |"


def _cell(words: str) -> str:
    """What may stand in a table: no line ends, no bars."""
    return " ".join(words.split()).replace("|", "\\|")
