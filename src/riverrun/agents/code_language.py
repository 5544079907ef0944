"""The language of a file by the ending of its path."""

from pathlib import PurePosixPath

_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".pyw": "python", ".js": "javascript", ".jsx": "jsx", ".mjs": "javascript",
    ".cjs": "javascript", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx", ".go": "go",
    ".rs": "rust", ".java": "java", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hh": "cpp",
    ".hpp": "cpp", ".hxx": "cpp", ".ipp": "cpp", ".inl": "cpp", ".cu": "cpp", ".cuh": "cpp", ".rb": "ruby", ".rake": "ruby",
    ".gemspec": "ruby", ".ru": "ruby", ".php": "php", ".phtml": "php", ".cs": "csharp", ".csx": "csharp", ".sh": "sh",
    ".sql": "sql", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".html": "html", ".css": "css",
    ".md": "markdown", ".kt": "kotlin", ".swift": "swift", ".scala": "scala",
}  # fmt: skip
_LANGUAGES_OF_FILES = {"Rakefile": "ruby", "Gemfile": "ruby", "Makefile": "make", "Dockerfile": "dockerfile"}
_FAMILIES = {"cpp": "c", "jsx": "javascript", "typescript": "javascript", "tsx": "javascript"}


def language_of(path: str) -> str:
    """The name highlighters know a file's language by; ``text`` when the path says nothing."""
    file = PurePosixPath(path)
    return _LANGUAGES_OF_FILES.get(file.name) or _LANGUAGES.get(file.suffix.lower(), "text")


def call_each_other(path: str, other_path: str) -> bool:
    """Whether code of one file can call the other's by name: their languages are one, or share their names."""
    return _family(path) == _family(other_path)


def _family(path: str) -> str:
    language = language_of(path)
    return _FAMILIES.get(language, language)
