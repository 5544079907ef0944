"""What a file is in its repository, told by its path: a test, or what a tool built."""

from pathlib import PurePosixPath

_TEST_FOLDERS = frozenset(["test", "tests", "spec", "__tests__"])
_BUILT_FOLDERS = frozenset(["dist", "commonjs", "cjs", "esm"])
_BUILT_ENDINGS = (".d.ts", ".d.mts", ".d.cts", ".min.js", ".min.css")


def is_in_tests(path: str) -> bool:
    """Whether a path lies in a folder of tests or is a test file by its name."""
    *folders, name = PurePosixPath(path.lower()).parts
    stem = name.split(".")[0]
    return bool(_TEST_FOLDERS.intersection(folders)) or (
        stem.startswith("test_") or stem.endswith(("_test", "_spec")) or ".test." in name or ".spec." in name
    )


def is_built(path: str) -> bool:
    """Whether a path is what a compiler or a bundler writes."""
    return path.endswith(_BUILT_ENDINGS) or bool(_BUILT_FOLDERS.intersection(PurePosixPath(path).parts))
