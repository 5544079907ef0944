"""Markdown on the wire."""

from pydantic import BaseModel


class MarkdownRequest(BaseModel):
    """Text to show."""

    text: str


class MarkdownView(BaseModel):
    """The text as HTML that is safe to insert into our page."""

    html: str
