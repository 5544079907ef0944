"""The process that parses: ``python -m riverrun.parsing.parse_helper``.

Grammars are C code that reads hostile input. Here a crash, a hang or a leak costs one file and one helper; the indexer
marks the file and starts another. Frames come in on stdin, one reply a file goes out on stdout; the end of stdin,
which is also the death of the indexer, ends the helper.
"""

import gc
import os
import sys
from typing import BinaryIO
from uuid import UUID

from riverrun.parsing.file_rows import BODIES, FileRows, NotText, rows_of
from riverrun.parsing.parse_frames import LENGTHS_SIZE, Header, decode_frame, decode_lengths, encode_frame

MAX_MEMORY_BYTES = 4 * 1024**3


def main() -> None:
    """Serve until stdin ends."""
    replies = _private_stdout()
    _limit_memory()
    gc.disable()  # Nothing here makes cycles that last; collecting costs a tenth of the time.
    _send(replies, {"ready": True}, [])
    while frame := _read_frame(sys.stdin.buffer):
        header, sources = frame
        project_id = UUID(header["project_id"])
        for file, source in zip(header["files"], sources, strict=True):
            _parse(replies, project_id, file, source)


def _parse(replies: BinaryIO, project_id: UUID, file: Header, source: bytes) -> None:
    try:
        rows = rows_of(project_id, file["file_id"], file["path"], file["language"], source)
    except NotText as error:
        _send(replies, {"error": str(error)}, [])
    except (Exception, MemoryError) as error:
        _send(replies, {"error": f"The parser failed: {type(error).__name__}: {error}"[:500]}, [])
    else:
        _send(replies, _described(rows), [getattr(rows, body) for body in BODIES])


def _described(rows: FileRows) -> Header:
    return {
        "lines": rows.lines,
        "symbols": rows.symbols,
        "label_lengths": rows.label_lengths,
        "calls": rows.calls,
        "chunks": rows.chunks,
        "note": rows.note,
    }


def _send(replies: BinaryIO, header: Header, bodies: list[bytes]) -> None:
    replies.write(encode_frame(header, bodies))
    replies.flush()


def _read_frame(requests: BinaryIO) -> tuple[Header, list[bytes]] | None:
    lengths = requests.read(LENGTHS_SIZE)
    if len(lengths) < LENGTHS_SIZE:
        return None
    header_size, bodies_size = decode_lengths(lengths)
    return decode_frame(requests.read(header_size), requests.read(bodies_size))


def _private_stdout() -> BinaryIO:
    """Stdout for frames alone: what a grammar might print goes to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits.
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MAX_MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MAX_MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
