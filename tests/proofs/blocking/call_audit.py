"""Follows the calls of everything that runs on the event loop through our own source, to those that are known to block."""

import ast
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI
from tests.proofs.blocking.annotations import Value
from tests.proofs.blocking.inference import Inference
from tests.proofs.blocking.loop_roots import calls_of_the_loop, layers_of
from tests.proofs.blocking.sinks import UNMISTAKABLE, why_blocking
from tests.proofs.blocking.source_index import Function, NestedScope, SourceIndex

from riverrun.infra.settings import Settings
from riverrun.main import create_app

DOORS = ("run_in_executor", "to_thread", "threading.Thread", "thread_bridge.ThreadBridge.run")
"""What is handed to these runs in a thread, and may block."""
DOORS_IF_SYNC = ("StreamingResponse", "BackgroundTask", "BackgroundTasks.add_task", "_in_threadpool")
"""So does what is handed to these, unless it is asynchronous."""
ENTERED = {ast.With: ("__enter__", "__exit__"), ast.AsyncWith: ("__aenter__", "__aexit__")}
ITERATED = {ast.For: ("__iter__", "__next__"), ast.AsyncFor: ("__aiter__", "__anext__")}


@dataclass(frozen=True)
class Finding:
    """A blocking call, and by which calls the loop comes to it, the outermost first."""

    function: str
    sink: str
    why: str
    place: str
    way: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.sink} ({self.why}) at {self.place}\n" + "".join(f"    {step}\n" for step in self.way)


@dataclass
class Audit:
    """What was found, and how much of the source could be followed."""

    findings: list[Finding] = field(default_factory=list)
    roots: int = 0
    functions: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    """How many calls were followed into our own source, known to lead outside, followed by their name, or not known."""
    unknown: list[str] = field(default_factory=list)

    def faults(self, allowed: Mapping[tuple[str, str], str]) -> list[str]:
        """The findings that are not allowed, and what is allowed but was not found."""
        found = {(finding.function, finding.sink) for finding in self.findings}
        faults = [str(one) for one in self.findings if (one.function, one.sink) not in allowed]
        return faults + [
            f"allowed, but not there any more: {entry}" for entry in allowed if entry not in found
        ]

    @property
    def known_share(self) -> float:
        """Of all calls."""
        return 1 - self.calls["unknown"] / max(1, sum(self.calls.values()))

    def __str__(self) -> str:
        total = sum(self.calls.values())
        return f"audit: roots={self.roots} functions={self.functions} calls={total} " + " ".join(
            f"{way}={self.calls[way]}" for way in ("followed", "outside", "by_name", "unknown")
        )


def audit_app(app: FastAPI, *packages: str) -> Audit:
    """Everything of an app that the loop calls: routes and what they depend on, middleware, handlers, its lifespan.

    Mounted applications are followed, too. What is of no package of these counts as a call that leads outside.
    """
    index = SourceIndex.of(*packages)
    names = (
        name for call in calls_of_the_loop(app) for name in layers_of(call, index.functions.__contains__)
    )
    return CallAudit(index).run(dict.fromkeys(names))


def audit_riverrun() -> Audit:
    """The API, as its source says; nothing is connected to."""
    servers = {"database_url": "postgresql://none/none", "redis_url": "redis://none"}
    return audit_app(create_app(Settings(_env_file=None, **servers)), "riverrun")


class CallAudit:
    """One walk from the roots through everything they call."""

    def __init__(self, index: SourceIndex) -> None:
        self._index = index
        self._inference = Inference(index)
        self._audit = Audit()
        self._came_from: dict[Function, Function | None] = {}
        self._waiting: deque[Function] = deque()
        self._seen: set[tuple[str, str]] = set()

    def run(self, roots: Iterable[str]) -> Audit:
        """Walk from functions of these names on until nothing new is called."""
        for name in roots:
            if root := self._index.functions.get(name):
                self._follow(root, None)
                self._audit.roots += 1
            elif self._index.is_below_ours(name):
                self._audit.calls["unknown"] += 1
                self._audit.unknown.append(f"{name}, which the loop calls")
            else:
                self._audit.calls["outside"] += 1
        while self._waiting:
            self._visit(self._waiting.popleft())
        self._audit.functions = len(self._came_from)
        return self._audit

    def _follow(self, function: Function, caller: Function | None) -> None:
        if function not in self._came_from:
            self._came_from[function] = caller
            self._waiting.append(function)

    def _visit(self, function: Function) -> None:
        awaited = {id(node.value) for node in function.nodes() if isinstance(node, ast.Await)}
        in_threads = set(self._generators_for_threads(function))
        for node in function.nodes():
            match node:
                case ast.Call() if id(node) in in_threads:
                    self._audit.calls["outside"] += 1
                case ast.Call():
                    self._call(node, function, id(node) in awaited)
                case ast.With(items=items) | ast.AsyncWith(items=items):
                    for item in items:
                        self._special(item.context_expr, ENTERED[type(node)], function)
                case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated):
                    self._special(iterated, ITERATED[type(node)], function)
                case ast.Attribute(value=value, attr=name, ctx=ast.Load()):
                    self._property(value, name, function)
                case ast.Import() | ast.ImportFrom():
                    self._note(function, "import", "reads files the first time", node)
                case _ if isinstance(node, NestedScope):
                    pass

    def _call(self, node: ast.Call, function: Function, is_awaited: bool) -> None:
        called = self._inference.of(node.func, function)
        if not _leads_to(called, DOORS):
            self._callbacks(node, function, only_async=_leads_to(called, DOORS_IF_SYNC))
        ways = [self._take(value, function, node) for value in called]
        if not ways:
            ways = [self._by_name(node.func, function, is_awaited, node)]
        self._audit.calls[min(ways, key=("followed", "outside", "by_name", "unknown").index)] += 1

    def _take(self, value: Value, function: Function, node: ast.AST) -> str:
        """Follow a call of it: how far that was possible."""
        match value.form:
            case "function":
                self._follow(self._index.functions[value.name], function)
                return "followed"
            case "class":
                for name in ("__init__", "__new__", "__post_init__"):
                    for made in self._inference.attribute(value, name):
                        if made.form == "function":
                            self._follow(self._index.functions[made.name], function)
                return "followed"
            case "method":
                self._outside(value.name, function, node)
                return "outside"
            case "instance" if value.name in self._index.classes:
                for call in self._inference.attribute(value, "__call__"):
                    self._take(call, function, node)
                return "followed"
        return "unknown"

    def _outside(self, name: str, function: Function, node: ast.AST) -> None:
        if why := why_blocking(name):
            self._note(function, name, why, node)

    def _by_name(self, called: ast.expr, function: Function, is_awaited: bool, node: ast.AST) -> str:
        """Of what nothing is known but its name: all our methods that are called so, where this module can see them."""
        if isinstance(called, ast.Attribute):
            if called.attr in UNMISTAKABLE:
                self._note(function, f"?.{called.attr}", "by its name", node)
                return "by_name"
            visible = [
                method
                for method in self._inference.methods_by_name.get(called.attr, ())
                if method.is_async == is_awaited and self._can_see(function, method)
            ]
            for method in visible:
                self._follow(method, function)
            if visible:
                return "by_name"
        self._audit.unknown.append(f"{ast.unparse(called)} in {function.name}")
        return "unknown"

    def _can_see(self, function: Function, method: Function) -> bool:
        there = method.module.name
        return function.module.name == there or any(
            self._index.full_name(name).startswith(there) for name in function.module.imported.values()
        )

    def _callbacks(self, node: ast.Call, function: Function, *, only_async: bool) -> None:
        """Functions that are handed on will be called."""
        for argument in _arguments(node):
            if isinstance(argument, ast.Name | ast.Attribute):
                for value in self._inference.of(argument, function):
                    if value.form == "function":
                        handed = self._index.functions[value.name]
                        if handed.is_async or not only_async:
                            self._follow(handed, function)
                    elif value.form == "method" and not only_async:
                        self._outside(value.name, function, argument)

    def _generators_for_threads(self, function: Function) -> Iterator[int]:
        """The calls whose results, plain generators, go straight to who goes through them in threads."""
        for node in function.nodes():
            if isinstance(node, ast.Call) and _leads_to(
                self._inference.of(node.func, function), DOORS_IF_SYNC
            ):
                for argument in _arguments(node):
                    if isinstance(argument, ast.Call) and self._makes_a_plain_generator(argument, function):
                        yield id(argument)

    def _makes_a_plain_generator(self, node: ast.Call, function: Function) -> bool:
        called = [self._index.functions.get(value.name) for value in self._inference.of(node.func, function)]
        return bool(called) and all(one and one.is_generator and not one.is_async for one in called)

    def _special(self, node: ast.expr, names: tuple[str, ...], function: Function) -> None:
        """What a statement calls."""
        for value in self._inference.of(node, function):
            for name in names if value.form == "instance" and value.name != "contextmanager" else ():
                for call in self._inference.attribute(value, name):
                    self._take(call, function, node)

    def _property(self, node: ast.expr, name: str, function: Function) -> None:
        for value in self._inference.of(node, function):
            if value.form == "instance" and value.name in self._index.classes:
                line = self._index.line(self._index.classes[value.name])
                found = next((each.methods[name] for each in line if name in each.methods), None)
                if found and found.is_property:
                    self._follow(found, function)

    def _note(self, function: Function, sink: str, why: str, node: ast.AST) -> None:
        if (function.name, sink) in self._seen:
            return
        self._seen.add((function.name, sink))
        place = f"{function.module.name}:{getattr(node, 'lineno', 0)}"
        self._audit.findings.append(Finding(function.name, sink, why, place, self._way_to(function)))

    def _way_to(self, function: Function) -> tuple[str, ...]:
        way = [function.name]
        caller = self._came_from[function]
        while caller is not None:
            way.append(caller.name)
            caller = self._came_from[caller]
        return tuple(reversed(way))


def _leads_to(called: Iterable[Value], doors: tuple[str, ...]) -> bool:
    return any(value.name.endswith(doors) for value in called)


def _arguments(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(keyword.value for keyword in node.keywords)]
