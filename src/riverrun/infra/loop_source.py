"""Whose a source file is: the application's, or a library's."""

import sysconfig
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import starlette

INSTALLED = ("/site-packages/", "/dist-packages/")
"""What Python and its distributors call the folders of libraries, the user's own among them."""
LIBRARIES = (
    str(Path(starlette.__file__).parents[1]),  # wherever pip was told to put them
    *(sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "scripts")),
)
MADE_AT_RUNTIME = "<"
"""Begins the file name of code without a file, as that of a dataclass's methods."""


def is_of_the_application(filename: str, packages: Sequence[str] = ()) -> bool:
    """Whether it is neither Python's own nor installed; ``packages`` are the application's though they may be."""
    if filename.startswith(MADE_AT_RUNTIME):
        return False
    below = _below_libraries(filename)
    return below is None or any(_is_in(package, below) for package in packages)


def shortened(filename: str) -> str:
    """Below the library's or the working folder, if it is."""
    return _below_libraries(filename) or filename.removeprefix(f"{Path.cwd()}/")


def _is_in(package: str, below: str) -> bool:
    path = package.replace(".", "/")
    return below == f"{path}.py" or below.startswith(f"{path}/")


@lru_cache(maxsize=4096)
def _below_libraries(filename: str) -> str | None:
    """Its path below the innermost folder of libraries that it is in; none if it is in none."""
    for folder in INSTALLED:
        if folder in filename:
            return filename.rpartition(folder)[2]
    for library in LIBRARIES:
        if filename.startswith(f"{library}/"):
            return filename[len(library) + 1 :]
    return None
