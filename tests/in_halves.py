"""The whole suite as two pytest processes at once: what runs the stack or a browser mostly waits, and the rest computes.

``python -m tests.in_halves [options of pytest]``. Each half has its own Postgres and Valkey. What the second one says is
shown when both are done; the exit code is 1 unless both are well.
"""

import os
import signal
import subprocess
import sys
import tempfile

STACK = ("tests/chaos", "tests/e2e", "tests/web")
NEED_OF_A_BROWSER = "RIVERRUN_REQUIRE_BROWSER"


def main(options: list[str]) -> int:
    """Run both. Whoever ends this ends them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    pytest = [sys.executable, "-m", "pytest", *options]
    rest = [*pytest, *(f"--ignore={folder}" for folder in STACK)]
    without_browser = {name: value for name, value in os.environ.items() if name != NEED_OF_A_BROWSER}
    with tempfile.TemporaryFile() as said:
        second = subprocess.Popen(rest, env=without_browser, stdout=said, stderr=subprocess.STDOUT)
        try:
            first_code = subprocess.run([*pytest, *STACK], check=False).returncode
            second_code = second.wait()
        finally:
            second.terminate()  # no more than a word to who has gone
            second.wait()
            said.seek(0)
            sys.stdout.buffer.write(said.read())
            sys.stdout.flush()
    return int(first_code != 0 or second_code != 0)  # one that a signal ended has a negative code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
