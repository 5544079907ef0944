"""Follows the calls of everything that runs on the event loop through our own source, to those that are known to block."""

import ast
import functools
import inspect
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from tests.proofs.blocking.annotations import Value
from tests.proofs.blocking.inference import Inference
from tests.proofs.blocking.sinks import UNMISTAKABLE, why_blocking
from tests.proofs.blocking.source_index import Function, NestedScope, SourceIndex

from riverrun.infra.settings import Settings
from riverrun.main import create_app

DOORS = ("run_in_executor", "to_thread", "threading.Thread", "thread_bridge.ThreadBridge.run")
"""What is handed to these runs in a thread, and may block."""
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
    """Everything of an app that the loop calls: routes and what they depend on, middleware, handlers, its lifespan."""
    index = SourceIndex.of(*packages)
    names = (_full_name(call) for call in _calls_of_the_loop(app))
    return CallAudit(index).run(
        [index.functions[name] for name in dict.fromkeys(names) if name in index.functions]
    )


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

    def run(self, roots: Iterable[Function]) -> Audit:
        """Walk on until nothing new is called."""
        for root in roots:
            self._follow(root, None)
            self._audit.roots += 1
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
        for node in function.nodes():
            match node:
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
        if not any(value.name.endswith(DOORS) for value in called):
            self._callbacks(node, function)
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

    def _callbacks(self, node: ast.Call, function: Function) -> None:
        """Functions that are handed on will be called."""
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(argument, ast.Name | ast.Attribute):
                for value in self._inference.of(argument, function):
                    if value.form == "function":
                        self._follow(self._index.functions[value.name], function)
                    elif value.form == "method":
                        self._outside(value.name, function, argument)

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


def _calls_of_the_loop(app: FastAPI) -> Iterator[Callable[..., object]]:
    for route in iter_route_contexts(app.routes):
        if dependant := getattr(route, "dependant", None):
            yield from _calls_of(dependant)
    for middleware in app.user_middleware:
        yield middleware.cls.__call__  # type: ignore[attr-defined]
    yield from app.exception_handlers.values()
    yield app.router.lifespan_context


def _calls_of(dependant: Dependant) -> Iterator[Callable[..., object]]:
    if dependant.call:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls_of(inner)


def _full_name(call: Callable[..., object]) -> str:
    """As the source index calls it."""
    while isinstance(call, functools.partial):
        call = call.func
    plain = inspect.unwrap(call)
    if inspect.isclass(plain):
        plain = plain.__init__  # type: ignore[misc]
    elif not hasattr(plain, "__qualname__"):
        plain = type(plain).__call__
    return f"{plain.__module__}.{plain.__qualname__}"
