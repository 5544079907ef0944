"""What can go wrong with the embedded servers."""


class EmbeddedError(Exception):
    """The servers cannot be had. The message is one or two sentences: what is wrong, and what to do about it."""
