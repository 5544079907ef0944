"""What is not worth indexing, and why: said in words, for every file that is left out is listed with its reason."""

import re

VENDORED_DIRECTORIES = frozenset({"node_modules", "bower_components", "jspm_packages", ".eggs"})
"""Directories that hold other people's code wherever they stand."""
NO_SOURCE = frozenset({".git", ".hg", ".svn", ".jj", "__pycache__"})
"""Never entered and not even listed: they are no part of the source."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_PATH_BYTES = 2_000
"""Files are found by an index over their paths, whose entries have an end."""
MAX_DATA_BYTES = 200_000
MAX_AVERAGE_LINE_BYTES = 400
MAX_LINE_BYTES = 100_000

_LOCK_FILES = _words(
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock poetry.lock uv.lock pdm.lock "
    "Pipfile.lock Cargo.lock composer.lock Gemfile.lock go.sum flake.lock packages.lock.json "
    "gradle.lockfile mix.lock"
)
_BINARY_SUFFIXES = _words(
    "png jpg jpeg gif bmp ico webp avif tif tiff psd pdf zip gz tgz bz2 xz zst 7z rar tar jar war class o "
    "a so dll dylib exe bin dat wasm pyc pyo whl woff woff2 ttf otf eot mp3 mp4 wav ogg flac mov avi webm "
    "mkv sqlite db parquet npy npz pkl pickle pt onnx gguf safetensors h5 mo ds_store"
)
_DATA_SUFFIXES = _words(
    "json jsonl ndjson geojson csv tsv xml svg txt log sql yaml yml html htm ipynb po pot"
)
_GENERATED_SUFFIXES = (
    ".min.js",
    ".min.css",
    ".min.mjs",
    ".map",
    "_pb2.py",
    "_pb2_grpc.py",
    ".pb.go",
    ".g.cs",
    ".designer.cs",
)
_GENERATED_HEADER = re.compile(
    rb"^[ \t]*(?://|/?\*+|#|--|;|<!--)[ \t]*(?:@generated\b|code generated\b.{0,80}\bdo not edit\b"
    rb"|.{0,80}\bauto-?generated\b.{0,80}\bdo not (?:edit|modify)\b)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
"""A comment that begins so; a comment about such comments does not."""
_HEADER_BYTES = 1_000
_PROSE = frozenset({"markdown", "restructuredtext", None})


def reason_by_path(path: str, size: int, max_file_bytes: int) -> str | None:
    """Why a file is skipped without being read; none when it must be looked at."""
    name = path.rpartition("/")[2]
    lower_name = name.lower()
    suffix = lower_name.rpartition(".")[2] if "." in name else ""
    if suffix in _BINARY_SUFFIXES:
        return f"a binary file (.{suffix})"
    if name in _LOCK_FILES:
        return "a lock file"
    if lower_name.endswith(_GENERATED_SUFFIXES):
        return "generated or minified (by its name)"
    limit = min(max_file_bytes, MAX_DATA_BYTES) if suffix in _DATA_SUFFIXES else max_file_bytes
    if size > limit:
        return f"too large: {size:,} bytes, the limit is {limit:,}"
    return None


def reason_by_content(language: str | None, content: bytes, max_file_bytes: int) -> str | None:
    """Why a file that was read is skipped; none when it is source or prose."""
    if len(content) > max_file_bytes:
        return f"too large: more than {max_file_bytes:,} bytes"
    if b"\0" in content:
        return "a binary file (it has NUL bytes)"
    if _GENERATED_HEADER.search(content, 0, _HEADER_BYTES):
        return "generated (its header says so)"
    if language not in _PROSE and len(content) > MAX_AVERAGE_LINE_BYTES * (content.count(b"\n") + 1):
        return f"minified: more than {MAX_AVERAGE_LINE_BYTES} bytes a line"
    if len(content) > MAX_LINE_BYTES and max(map(len, content.split(b"\n"))) > MAX_LINE_BYTES:
        return f"a line of more than {MAX_LINE_BYTES:,} bytes"
    return None


def vendored_directory(path: str) -> str | None:
    """The outermost vendored directory on the way to a file, with a slash at its end; none when there is none."""
    parts = path.split("/")[:-1]
    for depth, part in enumerate(parts, 1):
        if part in VENDORED_DIRECTORIES:
            return "/".join(parts[:depth]) + "/"
    return None
