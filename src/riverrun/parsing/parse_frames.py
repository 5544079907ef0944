"""What an indexer and its parse helpers say to each other: frames of one JSON header and raw bodies."""

import struct
from typing import Any

import orjson

_LENGTHS = struct.Struct(">II")
LENGTHS_SIZE = _LENGTHS.size

Header = dict[str, Any]


def encode_frame(header: Header, bodies: list[bytes]) -> bytes:
    """One frame: the lengths of header and bodies, the header with each body's size, the bodies."""
    head = orjson.dumps({**header, "sizes": [len(body) for body in bodies]})
    return b"".join([_LENGTHS.pack(len(head), sum(map(len, bodies))), head, *bodies])


def decode_lengths(data: bytes) -> tuple[int, int]:
    """How many bytes of header and of bodies follow a frame's first ``LENGTHS_SIZE`` bytes."""
    header_size, bodies_size = _LENGTHS.unpack(data)
    return header_size, bodies_size


def decode_frame(head: bytes, body: bytes) -> tuple[Header, list[bytes]]:
    """The header and the bodies of a frame that has been read."""
    header: Header = orjson.loads(head)
    bodies: list[bytes] = []
    start = 0
    for size in header.pop("sizes"):
        bodies.append(body[start : start + size])
        start += size
    return header, bodies
