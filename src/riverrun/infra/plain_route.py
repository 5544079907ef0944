"""Routes whose needs are put in order once, when the app is built, and not anew at each request."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import (
    APIRoute,
    _effective_route_context_var,
    _extract_endpoint_context,
    _get_scope_effective_route_context,
    serialize_response,
)
from starlette.types import Receive, Scope, Send

PATH, QUERY, HEADERS, COOKIES = "path_params", "query_params", "headers", "cookies"
"""Where a request has its values."""


class NotPlain(Exception):
    """Something that only the framework's own way can do."""


class PlainRoute(APIRoute):
    """A route for which each dependency is called once, in a fixed order: the one in which the framework would.

    What is not plain goes the framework's own way: routes with a body or without a model of their answer, background tasks and
    the like; and requests with a value that is not valid, for which it has the words.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework asks for this once for each place where the route's router is included."""
        handler = super().get_route_handler()
        effective: Any = _effective_route_context_var.get() or self
        with suppress(NotPlain):
            # There, and not in the route: that is the router's, and outlives each app that includes it.
            effective.plain_answerer = Answerer(effective)
        return handler

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, if this can be done plainly."""
        effective: Any = _get_scope_effective_route_context(scope) or self
        answerer: Answerer | None = getattr(effective, "plain_answerer", None)
        if answerer is not None and scope["method"] in effective.methods:
            given = answerer.given(Request(scope, receive, send))
            if given is not None:
                response = await answerer.answer(given)
                await response(scope, receive, send)
                return
        await super().handle(scope, receive, send)


class Answerer:
    """Answers the plain requests of one route."""

    def __init__(self, route: Any) -> None:
        """``route`` is that, or what is effective of it where its router is included.

        Raises:
            NotPlain: none of its requests is.
        """
        is_json = isinstance(route.response_class, DefaultPlaceholder) and route.response_field is not None
        if not is_json or route.body_field or route.stream_item_field or route.max_body_size is not None:
            raise NotPlain
        self._path = route.path
        self._overriding = route.dependency_overrides_provider
        self._steps = in_order(route.dependant)
        self._status = route.status_code or 200
        self._form = {
            "field": route.response_field,
            "include": route.response_model_include,
            "exclude": route.response_model_exclude,
            "by_alias": route.response_model_by_alias,
            "exclude_unset": route.response_model_exclude_unset,
            "exclude_defaults": route.response_model_exclude_defaults,
            "exclude_none": route.response_model_exclude_none,
            "dump_json": True,
            "endpoint_ctx": {**_extract_endpoint_context(route.endpoint), "path": route.path},
        }

    def given(self, request: Request) -> list[Any] | None:
        """What the request itself gives to each step; none when it is not plain. Nothing is called yet."""
        if getattr(self._overriding, "dependency_overrides", None):
            return None
        given = [step.given(request) for step in self._steps]
        return None if None in given else given

    async def answer(self, given: list[Any]) -> Response:
        """The answer, when all that was opened for it is closed."""
        results: list[Any] = []
        async with AsyncExitStack() as stack:
            for step, values in zip(self._steps, given, strict=True):
                results.append(await step.take(values, results, stack))
            return await self._response(results[-1])
        raise RuntimeError(f"{self._path}: a dependency kept an error to itself, and so there is no answer")

    async def _response(self, result: Any) -> Response:
        if isinstance(result, Response):
            return result
        content = await serialize_response(response_content=result, **self._form)
        return Response(content, self._status, media_type="application/json")


class Values(NamedTuple):
    """Parameters of one kind, and where the request has them."""

    fields: list[Any]
    source: str

    def given(self, request: Request) -> dict[str, Any] | None:
        """By their names; none when one of them is not valid."""
        received = getattr(request, self.source)
        if self.source == PATH:
            return _of_path(self.fields, received)
        values, errors = request_params_to_args(self.fields, received)
        return None if errors else values


def _of_path(fields: list[Any], received: dict[str, Any]) -> dict[str, Any] | None:
    """What the path's pattern has found is there once, as text: no need for the framework's more general way."""
    values: dict[str, Any] = {}
    for one in fields:
        if one.alias not in received:
            return None
        values[one.name], errors = one.validate(received[one.alias], values, loc=())
        if errors:
            return None
    return values


@dataclass(slots=True, frozen=True)
class Step:
    """One call: of a dependency or, as the last of a route, of its endpoint."""

    call: Callable[..., Any]
    is_context: bool
    """It is open until the endpoint's answer is written down."""
    values: tuple[Values, ...]
    request_name: str | None
    results: tuple[tuple[str, int], ...]
    """Under which names it is given what earlier steps gave, by their numbers."""

    def given(self, request: Request) -> dict[str, Any] | None:
        """What the request gives; none when some of it is not valid."""
        found: dict[str, Any] = {self.request_name: request} if self.request_name else {}
        for kind in self.values:
            if (named := kind.given(request)) is None:
                return None
            found |= named
        return found

    async def take(self, given: Any, results: list[Any], stack: AsyncExitStack) -> Any:
        """Call it."""
        for name, number in self.results:
            given[name] = results[number]
        if self.is_context:
            return await stack.enter_async_context(self.call(**given))
        return await self.call(**given)


def in_order(endpoint: Dependant) -> tuple[Step, ...]:
    """Each after those whose results it is given, and otherwise as they are written; the endpoint last.

    Raises:
        NotPlain: one of them cannot be a step.
    """
    steps: list[Step] = []
    numbers: dict[tuple[object, str | None], int] = {}

    def number_of(dependant: Dependant) -> int:
        results = [(one.name, number_of(one)) for one in dependant.dependencies]
        key = dependant.call, dependant.scope
        if key not in numbers:
            step = _step(dependant, tuple([(name, number) for name, number in results if name]))
            numbers[key] = len(steps)
            steps.append(step)
        return numbers[key]

    number_of(endpoint)
    return tuple(steps)


def _step(dependant: Dependant, results: tuple[tuple[str, int], ...]) -> Step:
    special = (
        dependant.body_params,
        dependant.websocket_param_name,
        dependant.http_connection_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
        dependant.concurrency,
        not dependant.use_cache,
    )
    call = dependant.call
    is_context = isasyncgenfunction(call) and dependant.scope == "function"
    if any(special) or call is None or not (is_context or iscoroutinefunction(call)):
        raise NotPlain
    kinds = (
        Values(dependant.path_params, PATH),
        Values(dependant.query_params, QUERY),
        Values(dependant.header_params, HEADERS),
        Values(dependant.cookie_params, COOKIES),
    )
    values = tuple([kind for kind in kinds if kind.fields])
    return Step(
        asynccontextmanager(call) if is_context else call,
        is_context,
        values,
        dependant.request_param_name,
        results,
    )
