"""Problems (RFC 9457): every error that a person or a program meets, with a stable type."""

from typing import Any, ClassVar


class Problem(Exception):
    """An error that says what to do. Subclasses name the kind; their docstring is its page in docs/problems.md."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    challenge: ClassVar[str] = "Bearer"
    """Of a 401: which kind of key would open the door (``WWW-Authenticate``)."""
    retry_after_seconds: int | None = None
    """After how long the same request may be let through (``Retry-After``); none where waiting does not help."""

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extensions = extensions

    @classmethod
    def type_uri(cls) -> str:
        """``/problems/`` and the class's name in kebab case."""
        name = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__)
        return f"/problems/{name.lstrip('-')}"

    def document(self) -> dict[str, Any]:
        """The problem as JSON."""
        return {
            "type": self.type_uri(),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extensions,
        }


class ServerFault(Problem):
    """The server broke. Look for the request's `X-Request-ID` in its log; the same request may work later."""

    status = 500
    title = "Something went wrong"


class MethodNotAllowed(Problem):
    """The path exists, but not for this HTTP method; `Allow` lists those that do."""

    status = 405
    title = "Not with this method"


class NotFound(Problem):
    """There is no such thing, or it is somebody else's: the body is the same, byte for byte, so that nobody learns which."""

    status = 404
    title = "Not found"

    def __init__(self) -> None:
        super().__init__("There is nothing here that you may see.")


class InvalidRequest(Problem):
    """A field of the request is missing, empty or out of its range; ``detail`` names it.

    Where the request did not fit its schema, ``errors`` lists each place as ``{where, what}``.
    """

    status = 422
    title = "The request is not valid"


class BadRequest(Problem):
    """Something in the request cannot be read, such as a stream's position; ``detail`` says what is expected."""

    status = 400
    title = "The request cannot be read"


class PayloadTooLarge(Problem):
    """The question, or the text to render, is longer than this server takes; ``detail`` says how long it may be."""

    status = 413
    title = "Too large"


class NotSignedIn(Problem):
    """No token, or one that is unknown, expired, revoked, or made for another door.

    Send ``Authorization: Bearer ...``, or open the sign-in link that ``riverrun up`` prints; a link works once.
    """

    status = 401
    title = "Sign in first"


class Forbidden(Problem):
    """The request is understood and refused: asking again will not help.

    A write came with our cookie from a page of another origin, or a folder was to be indexed on a server that does not
    allow that (``RIVERRUN_ALLOW_LOCAL_PATHS``).
    """

    status = 403
    title = "Not allowed"


class TryAgainLater(Problem):
    """Postgres or Redis cannot be reached now, its disk is full, or too many want the same at once. Nothing was lost; ``Retry-After`` says when to ask again."""

    status = 503
    title = "Try again in a moment"
    retry_after_seconds = 2


class TooManyRequests(Problem):
    """Too many of one kind at once: sign-ins, sign-ups, questions, or streams opened. ``Retry-After`` says when the next is taken.

    Sign-ins are counted by account and by network address, the others by user or address.
    """

    status = 429
    title = "Too many at once"

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
