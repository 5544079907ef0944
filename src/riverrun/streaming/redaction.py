"""What of a run is kept from those who may not see its repositories: whatever its tools were asked and have answered.

The one place where this is decided, for events as they come, replayed ones, snapshots and stored messages alike.
Positions, types, ids, the text with its checksum and citations (path and lines) stay as they are.
"""

from collections.abc import Iterable
from typing import Any

from riverrun.streaming.events import Event, EventType

SHOWN = ("call_id", "name")
"""What stays of a tool call and of its result."""


def hide_sources(event: Event) -> Event:
    """The event without excerpts; most have none, and are returned as they are."""
    if event.type in (EventType.TOOL_CALL, EventType.TOOL_RESULT):
        return Event.create(event.position, event.type, _without_sources(event.fields))
    if event.type == EventType.RESET:
        fields = {name: value for name, value in event.fields.items() if name not in ("seq", "attempt")}
        snapshot = hide_sources_of_snapshot(fields["snapshot"])
        return Event.create(event.position, event.type, fields | {"snapshot": snapshot})
    return event


def hide_sources_of_snapshot(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The same of what was said so far."""
    return snapshot | {"tool_calls": hide_tool_calls(snapshot["tool_calls"])}


def hide_tool_calls(calls: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same of tool calls as messages and snapshots hold them."""
    return [_without_sources(call) for call in calls]


def _without_sources(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in SHOWN if name in fields} | {"hidden": True}
