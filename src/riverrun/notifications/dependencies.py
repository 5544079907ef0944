"""What a request may ask for to send mail."""

from typing import Annotated

from fastapi import Depends, Request

from riverrun.notifications.mail_room import MailRoom


async def get_mail_room(request: Request) -> MailRoom:
    """The process's mail room, from the lifespan's state."""
    mails: MailRoom = request.state.mails
    return mails


CurrentMailRoom = Annotated[MailRoom, Depends(get_mail_room)]
