import pytest

from riverrun.agents.question_paths import CHARS_READ, NamedFile, folder_among, named_files, named_folder

PYTHON_TRACE = """Traceback (most recent call last):
  File "/srv/app/main.py", line 3, in <module>
    run()
  File "/usr/lib/site-packages/app/_client.py", line 914, in send
    raise Failed
app.Failed: no connection
"""


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("_client.py:914", [NamedFile("_client.py", 914)]),
        ("what is in registers.py?", [NamedFile("registers.py")]),
        ("what does line 100 of `src/_urls.py` do?", [NamedFile("src/_urls.py", 100)]),
        ("go.mod", [NamedFile("go.mod")]),
        ("open the Dockerfile.", [NamedFile("Dockerfile")]),
        ("./lib/a.js#L10-L20", [NamedFile("lib/a.js", 10)]),
        ("at exec (/usr/lib/install.js:150:15)", [NamedFile("/usr/lib/install.js", 150)]),
        ("in C:\\src\\Invoice.cs:line 30", [NamedFile("C:/src/Invoice.cs", 30)]),
        ("/go/cobra@v1.6.1/command.go:916 +0x5c2", [NamedFile("/go/cobra@v1.6.1/command.go", 916)]),
        (
            PYTHON_TRACE,
            [NamedFile("/usr/lib/site-packages/app/_client.py", 914), NamedFile("/srv/app/main.py", 3)],
        ),
        ("How are tasks.py modules found?", []),
        ("e.g. GitHub.com or Client.send at 10:30", []),
    ],
)
def test_files_are_recognised_by_path_line_or_frame(text: str, files: list[NamedFile]) -> None:
    assert named_files(text) == files


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("what is in src/app/kit/?", "src/app/kit"),
        ("list the files in src/app", "src/app"),
        ("How does pub/sub reconnect after a loss?", None),
        ("https://example.org/a/b", None),
    ],
)
def test_folders_are_recognised_where_nothing_else_is_said(text: str, folder: str | None) -> None:
    assert named_folder(text) == folder


def test_of_several_files_the_one_with_the_longest_common_end_is_meant() -> None:
    listed = ["app/client.py", "client.py", "other:lib/client.py"]
    assert NamedFile("/srv/lib/client.py").among(listed) == "other:lib/client.py"
    assert NamedFile("client.py").among(listed) == "client.py"
    assert NamedFile("lib/client.py").among(["app/client.py"]) is None
    assert NamedFile("client.py").among([]) is None


def test_a_folder_is_one_that_listed_paths_lead_through() -> None:
    assert folder_among("kit", ["a/b/kit/x.py", "a/kit/y.py", "kit.py"]) == "a/kit"
    assert folder_among("src/kit", ["repo:src/kit/x.py"]) == "repo:src/kit"
    assert folder_among("pub/sub", ["app/pub.py"]) is None


@pytest.mark.parametrize(
    "text", ["/" * 100_000, "a.py " * 20_000, "a/" * 50_000, 'File "' * 20_000, "x." * 50_000]
)
def test_a_long_text_is_read_to_its_ten_thousandth_character(text: str) -> None:
    assert len(text) > CHARS_READ
    assert len(named_files(text)) <= 1
    named_folder(text)
