"""The text of a parsed file, by the offsets that tree-sitter speaks in."""

from tree_sitter import Node


class SourceText:
    """Parts of the source by tree-sitter's byte offsets, which in most files are offsets of characters as well."""

    __slots__ = ("_ascii", "_source")

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._ascii = source.decode("ascii") if source.isascii() else None

    def between(self, start: int, end: int) -> str:
        """From one byte to another, end exclusive."""
        if self._ascii is not None:
            return self._ascii[start:end]
        return self._source[start:end].decode("utf-8", "replace")

    def of(self, node: Node) -> str:
        """All of a node."""
        return self.between(node.start_byte, node.end_byte)
