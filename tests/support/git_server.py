"""A git server on loopback (git's own http-backend), and repositories to put behind it."""

import os
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

_IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
SLOW_SECONDS = 0.2
_BACKEND = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git in a folder; its output without the last line feed."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", *_IDENTITY, "-C", str(folder), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, env=environment, check=True)
    return done.stdout.decode().rstrip("\n")


def make_repository(folder: Path, files: dict[str, str | bytes]) -> str:
    """A work tree with one commit of these files; the commit's id."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    return commit_files(folder, files)


def rewrite(folder: Path) -> str:
    """Put another commit in the place of the newest one; its id."""
    git(folder, "commit", "--quiet", "--amend", "--allow-empty", "--message", os.urandom(8).hex())
    return git(folder, "rev-parse", "HEAD")


def commit_files(folder: Path, files: dict[str, str | bytes]) -> str:
    """Write files and commit everything."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "change")
    return git(folder, "rev-parse", "HEAD")


class GitServer:
    """Serves every repository below ``root`` at ``url/NAME``; some names misbehave on purpose.

    ``/silent/...`` never answers, ``/redirect/...`` redirects to the rest of its path, ``/private/...`` asks for
    a password, ``/page/...`` answers with a web page, ``/old/...`` speaks the first protocol only, in which a server gives
    what its branches point to and no other commit. ``/slow/...`` is the rest of its path, ``SLOW_SECONDS`` late.
    ``before_post`` is called before something is asked for, when the branches have been listed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[str] = []
        self.before_post: Callable[[], object] = lambda: None
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(server: GitServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append(self.path)
            self._serve()

        def _serve(self) -> None:
            first, _, rest = self.path.lstrip("/").partition("/")
            if first == "silent":
                server.released.wait()
            elif first == "slow":
                server.released.wait(SLOW_SECONDS)
                self.path = f"/{rest}"
                self._serve()
            elif first == "redirect":
                self._answer(301, {"Location": f"/{rest}"})
            elif first == "private":
                self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'})
            elif first == "page":
                self._answer(200, {"Content-Type": "text/html"}, b"<h1>Welcome</h1>")
            elif first == "old":
                del self.headers["Git-Protocol"]
                self.path = f"/{rest}"
                self._run_backend()
            else:
                self._run_backend()

        def do_POST(self) -> None:
            server.before_post()
            self.do_GET()

        def _run_backend(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            done = subprocess.run(
                [f"{_BACKEND}/git-http-backend"],
                input=body,
                capture_output=True,
                env=environment,
                check=False,
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            status = int(headers.pop("Status", "200").split()[0])
            self._answer(status, headers, content)

        def _answer(self, status: int, headers: dict[str, str], content: bytes = b"") -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
