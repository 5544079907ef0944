"""What an answer has cost so far, also one that is cut in the middle."""

from dataclasses import dataclass, field

from pydantic_ai import RunUsage


@dataclass(slots=True)
class Spending:
    """``was_asked``: the model was turned to. ``usage`` is what it has reported, request by request."""

    was_asked: bool = False
    usage: RunUsage = field(default_factory=RunUsage)

    def tokens(self, *, asked_tokens: int, written_tokens: int, is_whole: bool) -> int:
        """Input and output together: as reported of a whole answer. A request that was cut has reported nothing, and some
        servers never do: there the given estimates of what was asked and written stand in.
        """
        if is_whole and self.usage.total_tokens:
            return self.usage.total_tokens
        asked = self.usage.input_tokens or asked_tokens
        return asked + max(self.usage.output_tokens, written_tokens)
