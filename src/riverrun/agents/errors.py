"""What goes wrong while answering, in words a person can act on."""


class AgentFailed(Exception):
    """The run is over without a complete answer; what was emitted before stays valid.

    ``title`` is a short sentence without a full stop, ``detail`` says what happened and what to do. Neither
    holds a secret or a traceback.
    """

    def __init__(self, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}")
        self.title = title
        self.detail = detail


class ModelNotConfigured(Exception):
    """The model settings name no usable model; the message says which variable to set."""


def root_of(error: BaseException) -> BaseException:
    """What was raised first of all that led to the error, also where a library hides it from tracebacks."""
    seen = {id(error)}
    while (earlier := error.__cause__ or error.__context__) is not None and id(earlier) not in seen:
        seen.add(id(earlier))
        error = earlier
    return error
