"""Something to ask about, so small that an answer costs little beside what is measured."""


def greeting(name: str) -> str:
    """Make a greeting."""
    return f"Hello, {name}"
