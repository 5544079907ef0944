"""What the routes of conversations ask for."""

import json
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.conversations.conversation_routing import Delivery
from riverrun.conversations.conversation_service import ConversationService
from riverrun.conversations.schemas import NewMessage
from riverrun.infra.dependencies import AsyncDb, CurrentSettings, commit_now
from riverrun.kit.problem import InvalidRequest
from riverrun.runs.dependencies import CurrentChannels
from riverrun.usage.dependencies import CurrentUsage

_AS_JSON = 'Send JSON like {"content": "your question"}'

NAME_FORM = r"^[!-.0-~]*[!-\-0-~][!-.0-~]*$"
"""Names of runs: what fits into a header and one segment of a path, printable ASCII without spaces and slashes.

Not of dots alone: every client takes the segments `.` and `..` out of a path.
"""


async def get_conversation_service(
    db: AsyncDb,
    principal: CurrentPrincipal,
    settings: CurrentSettings,
    channels: CurrentChannels,
    usage: CurrentUsage,
) -> ConversationService:
    """The service for this request."""
    return ConversationService.create(db, principal, settings, channels, usage, async_db=db)


async def read_message(request: Request, db: AsyncDb) -> NewMessage:
    """The question, as JSON or as a form (``multipart/form-data``, field ``content``). It may come slowly: commits before.

    Raises:
        InvalidRequest: no ``content``, or a form that cannot be read.
    """
    await commit_now(db)
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            async with request.form(max_files=0, max_fields=20) as form:
                return NewMessage(content=str(form.get("content", "")))
        return _message_in(await request.body(), request.headers.get("content-encoding"))
    except HTTPException as error:
        raise InvalidRequest(f"Send a form with the field content ({error.detail})") from error
    except UnicodeError as error:  # the framework looks for UnicodeDecodeError, which not every codec raises
        raise InvalidRequest("Send a form in UTF-8: this charset cannot be read.") from error


def _message_in(body: bytes, encoding: str | None) -> NewMessage:
    """The question in a body of JSON, whatever its type is called, read as every other route reads its own."""
    try:
        return NewMessage.model_validate(json.loads(body))
    except ValidationError as error:
        places = [{"where": ".".join(map(str, item["loc"])), "what": item["msg"]} for item in error.errors()]
        raise InvalidRequest(f"{_AS_JSON}: {places[0]['what']}.", errors=places) from error
    except (ValueError, RecursionError) as error:
        what = f"a content-encoding ({encoding}) is not read here" if encoding else "this is no JSON"
        raise InvalidRequest(f"{_AS_JSON}: {what}.") from error


async def get_delivery(
    stream: Annotated[bool, Query(description="false: the whole answer at its end")] = True,
    background: Annotated[bool, Query(description="true: only a receipt, at once")] = False,
    session_id: Annotated[
        str | None,
        Query(
            pattern=NAME_FORM,
            max_length=200,
            description="A name for the run; `-1`, ... is added when it is taken",
        ),
    ] = None,
) -> Delivery:
    """How the client wants its answer."""
    return Delivery(stream=stream, background=background, session_id=session_id)


CurrentConversations = Annotated[ConversationService, Depends(get_conversation_service)]
PostedMessage = Annotated[NewMessage, Depends(read_message)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
CurrentDelivery = Annotated[Delivery, Depends(get_delivery)]
