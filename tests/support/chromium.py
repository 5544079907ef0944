"""Whether this machine has a browser to drive."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a Chromium on PATH; none when there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
