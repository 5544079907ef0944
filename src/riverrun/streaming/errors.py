"""What can be wrong with a position or a stream."""


class MalformedCursor(ValueError):
    """The text is no position: expected ``0-0``, a number, or ``<attempt>-<seq>``."""


class Fenced(Exception):
    """A newer attempt owns the run: whoever gets this must stop writing at once."""
