"""What can go wrong between the terminal and the server, each as one line that says what to do."""

import httpx2

EXIT_FAILED = 1
EXIT_NO_SERVER = 3
EXIT_INTERRUPTED = 130


class ClientError(Exception):
    """``str()`` is one line for a person; ``exit_code`` is what the command ends with."""

    exit_code = EXIT_FAILED


class ServerUnreachable(ClientError):
    """Nobody answers at the address, or the line was lost."""

    exit_code = EXIT_NO_SERVER

    def __init__(self, base_url: str, reason: str) -> None:
        super().__init__(f"no Riverrun server answers at {base_url} ({reason}); start one with: riverrun up")


class NotRiverrun(ClientError):
    """Somebody answers at the address, but not in the words of a Riverrun server."""

    exit_code = EXIT_NO_SERVER

    def __init__(self, base_url: str) -> None:
        super().__init__(
            f"what answers at {base_url} is no Riverrun server; check RIVERRUN_URL, or start one with: riverrun up"
        )


class NotSetUp(ClientError):
    """It is not known where the server is, or with which token to speak to it."""

    exit_code = EXIT_NO_SERVER


class Interrupted(ClientError):
    """Ctrl-C; the words say what it left behind."""

    exit_code = EXIT_INTERRUPTED


class ApiProblem(ClientError):
    """The server refused. ``status`` is the HTTP status, ``words`` are the server's, without advice of ours."""

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        self.status = status
        self.words = f"{title}: {detail}" if detail and detail != title else title
        super().__init__(f"{self.words} ({advice})" if (advice := ADVICE.get(status)) else self.words)

    @classmethod
    def of(cls, response: httpx2.Response) -> "ApiProblem":
        """Read an RFC 9457 document; anything else (a proxy's page, a stray server) is told by its status alone."""
        kind = ServerBusy if response.status_code == httpx2.codes.SERVICE_UNAVAILABLE else cls
        try:
            document = response.json()
            return kind(response.status_code, str(document["title"]), str(document.get("detail") or ""))
        except (ValueError, KeyError, TypeError):
            return kind(response.status_code, f"the server answered {response.status_code}")


class ServerBusy(ApiProblem):
    """503: the server, its database or its broker is away for the moment."""


ADVICE = {
    401: "get another token with: riverrun login URL; on the machine of riverrun up, start that again",
    503: "try again in a moment; riverrun doctor says what is wrong",
}
