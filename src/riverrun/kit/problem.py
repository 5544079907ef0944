"""Problems (RFC 9457): every error that a person or a program meets, with a stable type."""

from typing import Any, ClassVar


class Problem(Exception):
    """An error that says what to do. Subclasses name the kind; their docstring is its page in docs/problems.md."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

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


class NotFound(Problem):
    """There is no such thing, or it is somebody else's: the answer is the same, byte for byte."""

    status = 404
    title = "Not found"

    def __init__(self) -> None:
        super().__init__("There is nothing here that you may see.")


class InvalidRequest(Problem):
    """The request's words, numbers or shape are off; ``errors`` lists where."""

    status = 422
    title = "The request is not valid"


class BadRequest(Problem):
    """The request cannot be read."""

    status = 400
    title = "The request cannot be read"


class PayloadTooLarge(Problem):
    """More was sent than is taken."""

    status = 413
    title = "Too large"


class NotSignedIn(Problem):
    """No token, or one that is unknown, expired or revoked."""

    status = 401
    title = "Sign in first"


class Forbidden(Problem):
    """The request is understood and refused."""

    status = 403
    title = "Not allowed"


class TryAgainLater(Problem):
    """A server behind this one cannot be reached now; nothing was lost."""

    status = 503
    title = "Try again in a moment"
