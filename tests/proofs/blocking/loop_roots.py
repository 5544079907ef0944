"""What of an application the event loop calls by itself, and what of that is known by name in its source."""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Router

Call = Callable[..., object]

METHODS = ("get", "post", "put", "patch", "delete", "options", "head", "dispatch")
SOCKET_METHODS = ("on_connect", "on_receive", "on_disconnect")
"""Of a class that is an endpoint."""


def calls_of_the_loop(app: Starlette) -> Iterator[Call]:
    """Routes and what they depend on, middleware, handlers, the lifespan. Not what the framework calls in threads."""
    yield from _calls_of_app(app)
    yield app.router.lifespan_context
    for name in ("on_startup", "on_shutdown"):
        yield from getattr(app.router, name, ())


def layers_of(call: Any, is_known: Callable[[str], bool]) -> Iterator[str]:
    """The full names of what runs when it is called: itself, and what it is wrapped around.

    What a function of a library holds it may call; of one that ``is_known`` the source says it.
    """
    waiting, seen = [call], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, functools.partial):
            waiting.extend(filter(callable, (one.func, *one.args, *one.keywords.values())))
            continue
        function = _function_of(one)
        name = _full_name(function)
        yield name
        waiting.extend(filter(None, [getattr(function, "__wrapped__", None)]))
        if not is_known(name):
            waiting.extend(held for held in _held_by(function) if _is_plainly_callable(held))


def _calls_of_app(app: Starlette) -> Iterator[Call]:
    yield from _calls_of_routes(app.routes)
    for middleware in app.user_middleware:
        yield from _calls_of_middleware(middleware.cls)
        yield from filter(callable, (*middleware.args, *middleware.kwargs.values()))
    yield from filter(_runs_on_the_loop, app.exception_handlers.values())


def _calls_of_routes(routes: Iterable[BaseRoute]) -> Iterator[Call]:
    for context in iter_route_contexts(list(routes)):
        route = context.route
        if dependant := getattr(context, "dependant", None):
            yield from _calls_of(dependant)
        elif (endpoint := getattr(route, "endpoint", None)) is not None:
            yield from _calls_of_endpoint(endpoint)
        elif (mounted := getattr(route, "app", None)) is not None:
            yield from _calls_of_mounted(mounted)
        else:
            yield type(route).handle


def _calls_of(dependant: Dependant) -> Iterator[Call]:
    if dependant.call and _runs_on_the_loop(dependant.call):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls_of(inner)


def _calls_of_endpoint(endpoint: Any) -> Iterator[Call]:
    if inspect.isclass(endpoint):
        yield endpoint
        methods = (getattr(endpoint, name, None) for name in (*METHODS, *SOCKET_METHODS))
        yield from (method for method in methods if method and _runs_on_the_loop(method))
    elif _runs_on_the_loop(endpoint):
        yield endpoint


def _calls_of_mounted(app: Any) -> Iterator[Call]:
    """Its lifespan is nobody's: Starlette does not call it."""
    match app:
        case Starlette():
            yield from _calls_of_app(app)
        case Router():
            yield from _calls_of_routes(app.routes)
        case _:
            yield app


def _calls_of_middleware(middleware: Any) -> Iterator[Call]:
    """A class, or a function that makes one: what that returns is not known."""
    if not inspect.isclass(middleware):
        yield middleware
        return
    for name in ("__init__", "__call__", "dispatch"):
        if method := getattr(middleware, name, None):
            yield method


def _runs_on_the_loop(call: Any) -> bool:
    """As frameworks tell it: what is neither a coroutine nor an asynchronous generator, they call in a thread."""
    while isinstance(call, functools.partial):
        call = call.func
    ways = [call, getattr(call, "__wrapped__", None), getattr(call, "__call__", None)]  # noqa: B004
    return any(inspect.iscoroutinefunction(way) or inspect.isasyncgenfunction(way) for way in ways)


def _function_of(call: Any) -> Any:
    """What has the code that runs, if Python code does."""
    if inspect.isclass(call):
        return call.__init__  # type: ignore[misc]
    if inspect.ismethod(call):
        return call.__func__
    return call if inspect.isroutine(call) else type(call).__call__


def _full_name(function: Any) -> str:
    """As the source index calls it, though a decorator may have given it another's name."""
    if not inspect.isfunction(function):
        return f"{getattr(function, '__module__', None) or 'builtins'}.{function.__qualname__}"
    return f"{function.__globals__['__name__']}.{function.__code__.co_qualname}"


def _held_by(function: Any) -> Iterator[object]:
    for cell in getattr(function, "__closure__", None) or ():
        with suppress(ValueError):  # not yet filled
            yield cell.cell_contents


def _is_plainly_callable(held: object) -> bool:
    return callable(held) and not inspect.isclass(held)
