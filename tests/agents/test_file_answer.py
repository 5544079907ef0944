"""Questions that name a file, a line of one, or a folder."""

from tests.agents.test_extractive import INDEX, answer

from riverrun.agents.file_answer import tell_folder
from riverrun.agents.tools import MOST_PATHS


async def test_a_named_line_is_shown_with_the_definition_it_belongs_to() -> None:
    events = await answer("client.py:9")
    assert events.text.startswith(
        "The question names line 9 of `client.py`, in the method **`Client.send`** [client.py:7-9].\n\n"
        "It says there [client.py:1-13]:\n\n```python\n"
    )
    assert "return self.follow_redirect(request, limit=5)" in events.text
    assert "main.py" not in events.text


async def test_a_stack_trace_is_about_its_innermost_frame_that_is_indexed() -> None:
    trace = (
        'Traceback (most recent call last):\n  File "/srv/x/app/main.py", line 5, in main\n    return Client()\n'
        '  File "/srv/x/client.py", line 9, in send\n    return 1\n  File "/usr/lib/python3.11/json.py", line 1, in f\n'
    )
    assert (await answer(trace)).text.startswith("The question names line 9 of `client.py`, in the method")


async def test_a_named_file_is_shown_from_its_head_with_what_is_found_in_it() -> None:
    text = (await answer("what is in client.py?")).text
    assert text.startswith("The question names `client.py` (13 lines).\n\nIt says there [client.py:1-13]:")
    assert "cookies" not in text


async def test_a_line_behind_the_end_is_not_shown() -> None:
    assert (
        "line 20 of `client.py`, which has 13 lines; there is nothing" in (await answer("client.py:20")).text
    )
    assert "line 99 of `client.py`; there is nothing to show" in (await answer("client.py:99")).text


async def test_a_file_that_is_not_indexed_leaves_the_question_to_the_search() -> None:
    text = (await answer("redirect.py")).text
    assert "**`Client.follow_redirect`**" in text.split("\n")[0]


async def test_a_named_folder_is_listed() -> None:
    assert (await answer("what is in app/?")).text.startswith(
        "1 indexed file lies in `app`:\n\n- `app/main.py`\n"
    )
    assert (await answer("what is in zebra/?", index=INDEX)).text.startswith("I found nothing in the index")


def test_of_a_large_folder_some_files_are_listed_and_the_others_counted() -> None:
    listed = [f"kit/{number:03}.py" for number in range(MOST_PATHS)]
    few, many = list(tell_folder("kit", listed[:40])), list(tell_folder("kit", listed))
    assert few[0] == "40 indexed files lie in `kit`:"
    assert few[1].endswith("- `kit/029.py`\n- and 10 more")
    assert many[0] == "At least 200 indexed files lie in `kit`:"


async def test_a_plain_word_that_is_a_name_is_found_like_one() -> None:
    events = await answer("Who calls send?")
    assert events.text.startswith("The question names the method **`Client.send`** [client.py:7-9].")
    assert "\n\n`send` is called in `main` [app/main.py:5]." in events.text
    assert "is called in" in (await answer("Where is follow_redirect used?")).text.split("\n\n")[1]
