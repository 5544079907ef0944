"""A part of a route's path that may be any text, slashes and line breaks included: the framework's own ends at a line break."""

from starlette.convertors import Convertor, register_url_convertor

PATH_TEXT = "text"
"""As in ``{name:text}``."""


class AnyTextConvertor(Convertor[str]):
    """What is left of the path."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor(PATH_TEXT, AnyTextConvertor())
