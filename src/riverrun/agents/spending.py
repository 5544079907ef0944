"""What an answer has cost so far, also one that is cut in the middle."""

from dataclasses import dataclass, field

from pydantic_ai import RunUsage

MOST_TOKENS = 100_000_000
"""More than all requests of one answer can mean. Some servers report -1 in 32 or 64 bits where they do not count."""


@dataclass(slots=True)
class Spending:
    """``was_asked``: the model was turned to. ``usage`` is what it has reported, request by request."""

    was_asked: bool = False
    usage: RunUsage = field(default_factory=RunUsage)

    def tokens(self, *, asked_tokens: int, written_tokens: int, is_whole: bool) -> int:
        """Input and output together: as reported of a whole answer. A request that was cut has reported nothing, some
        servers never do, and some report what cannot be: there the given estimates of what was asked and written stand in.
        """
        read, written = self.usage.input_tokens, self.usage.output_tokens
        if is_whole and read + written > 0 and _can_be(read) and _can_be(written):
            return read + written
        asked = read if read and _can_be(read) else asked_tokens
        return asked + max(written if _can_be(written) else 0, written_tokens)


def _can_be(reported: int) -> bool:
    return 0 <= reported <= MOST_TOKENS
