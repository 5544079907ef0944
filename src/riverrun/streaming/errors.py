"""What can be wrong with a position or a stream."""


class MalformedCursor(ValueError):
    """The text is no position: expected ``0-0``, a number, or ``<attempt>-<seq>``."""


class OversizedFrame(ValueError):
    """An event is over 64 KiB: whoever says it has to cut it, or to store it elsewhere and point to it."""


class Fenced(Exception):
    """A newer attempt owns the run: whoever gets this must stop writing at once."""
