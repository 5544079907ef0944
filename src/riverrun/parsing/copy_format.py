"""Values as Postgres' ``COPY ... FROM STDIN`` reads them: fields of its text format, and of its binary format."""

import struct
from collections.abc import Collection, Iterable
from uuid import UUID

_INT32 = struct.Struct(">i")
_FILE_KEY = struct.Struct(">h i16s iq")
_BINARY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_BINARY_END = b"\xff\xff"


def escape(text: str) -> str:
    """A value of a text column in the text format; NUL, which Postgres' text cannot hold, is dropped."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if text.isprintable():
        return text
    return text.replace("\0", "").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def array_of_texts(texts: Collection[str]) -> str:
    """A value of an array's column in the text format."""
    joined = '","'.join(texts)
    if "\\" in joined or joined.count('"') > 2 * (len(texts) - 1):
        joined = '","'.join([text.replace("\\", "\\\\").replace('"', '\\"') for text in texts])
    return escape(f'{{"{joined}"}}')


def nullable(text: str | None) -> str:
    """The same, or NULL."""
    return "\\N" if text is None else escape(text)


def binary_text(text: str) -> bytes:
    """A value of a text column in the binary format, NUL dropped as well."""
    value = text.encode("utf-8", "replace").replace(b"\0", b"")
    return _INT32.pack(len(value)) + value


def binary_file_key(columns: int, project_id: UUID, file_id: int) -> bytes:
    """How a row of so many columns begins that has the project's and the file's id in front."""
    return _FILE_KEY.pack(columns, 16, project_id.bytes, 8, file_id)


def binary_copy(rows: Iterable[bytes]) -> bytes:
    """A whole COPY in the binary format."""
    return b"".join([_BINARY_BEGIN, *rows, _BINARY_END])
