"""The page's pure modules, run where they live: in the browser."""

import pytest
from tests.support.page_driver import PageDriver
from tests.support.page_modules import run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FOLD = """
  const { RunFold, StreamBroken } = await load("fold.js");
  const event = (type, seq, data = {}, attempt = 1) =>
    ({ id: `${attempt}-${seq}`, type, data: { seq, attempt, ...data } });
  const text = (seq, words, attempt = 1) => event("text", seq, { text: words }, attempt);
  const fold = new RunFold();
"""


async def test_events_fold_into_an_answer(page: PageDriver) -> None:
    answer = await run(
        page,
        FOLD
        + """
      for (const one of [
        event("queued", 1), event("started", 2), event("thinking", 3, { text: "hm" }),
        event("tool_call", 4, { call_id: "c", name: "search_code", arguments: { query: "x" } }),
        event("tool_result", 5, { call_id: "c", result: "found" }), text(6, "Hel"), text(7, "lo"),
        event("citation", 8, { path: "a.py", start_line: 1, end_line: 2 }),
        event("citation", 9, { path: "a.py", start_line: 1, end_line: 2 }),
        event("end", 10, { status: "completed" }),
      ]) fold.apply(one);
      return { text: fold.text, thinking: fold.thinking, tools: fold.tools, places: fold.citations.length,
               position: fold.position, status: fold.end.status };
    """,
    )
    assert answer == {
        "text": "Hello",
        "thinking": "hm",
        "tools": [{"call_id": "c", "name": "search_code", "arguments": {"query": "x"}, "result": "found"}],
        "places": 1,
        "position": "1-10",
        "status": "completed",
    }


async def test_a_repeated_event_changes_nothing_and_a_missing_one_is_noticed(page: PageDriver) -> None:
    result = await run(
        page,
        FOLD
        + """
      fold.apply(text(1, "a"));
      const isRepeatTaken = fold.apply(text(1, "a"));
      let isNoticed = false;
      try { fold.apply(text(3, "c")); } catch (error) { isNoticed = error instanceof StreamBroken; }
      return [isRepeatTaken, isNoticed, fold.text, fold.position];
    """,
    )
    assert result == [False, True, "a", "1-1"]


async def test_a_new_attempt_takes_back_what_no_longer_counts(page: PageDriver) -> None:
    result = await run(
        page,
        FOLD
        + """
      for (const one of [text(1, "kept "), text(2, "lost "), text(3, "lost")]) fold.apply(one);
      fold.apply(event("attempt", 2, { keeps_seq: 1 }, 2));
      const between = fold.text;
      fold.apply(text(3, "new", 2));
      return [between, fold.text, fold.position];
    """,
    )
    assert result == ["kept ", "kept new", "2-3"]


async def test_a_reset_replaces_everything_and_a_take_back_of_it_starts_over(page: PageDriver) -> None:
    result = await run(
        page,
        FOLD
        + """
      fold.apply(text(1, "old"));
      fold.apply({ id: "2-5", type: "reset", data: { seq: 5, attempt: 2, position: "2-5",
        snapshot: { text: "snap", thinking: "", citations: [], tool_calls: [] } } });
      fold.apply(text(6, "shot", 2));
      const afterReset = [fold.text, fold.position];
      let isBroken = false;
      try { fold.apply(event("attempt", 4, { keeps_seq: 3 }, 3)); } catch (error) { isBroken = error instanceof StreamBroken; }
      return [afterReset, isBroken, fold.text, fold.position];
    """,
    )
    assert result == [["snapshot", "2-6"], True, "", "0-0"]


async def test_events_survive_a_cut_at_every_byte(page: PageDriver) -> None:
    wire = ': hi\n\nretry: 1000\n\nid: 1-1\nevent: text\ndata: {"text":"né€😀"}\n\n: beat\n\nid: 1-2\nevent: end\ndata: {}\n\n'
    cuts = await run(
        page,
        """
      const { readEvents } = await load("sse.js");
      const bytes = new TextEncoder().encode(argument);
      const streamOf = (chunks) => new ReadableStream({
        pull(controller) { chunks.length ? controller.enqueue(chunks.shift()) : controller.close(); },
      });
      const read = async (chunks) => {
        const events = [];
        for await (const event of readEvents(streamOf(chunks))) events.push(event);
        return JSON.stringify(events);
      };
      const whole = await read([bytes]);
      const different = [];
      for (let cut = 1; cut < bytes.length; cut += 1) {
        if ((await read([bytes.slice(0, cut), bytes.slice(cut)])) !== whole) different.push(cut);
      }
      return { whole: JSON.parse(whole), different };
    """,
        wire,
    )
    assert cuts["different"] == []
    assert cuts["whole"] == [
        {"id": "1-1", "type": "text", "data": {"text": "né€😀"}},
        {"id": "1-2", "type": "end", "data": {}},
    ]


async def test_the_pause_that_the_server_asks_for_is_heard(page: PageDriver) -> None:
    heard = await run(
        page,
        """
      const { readEvents } = await load("sse.js");
      const heard = [];
      const body = new Response(argument).body;
      for await (const event of readEvents(body, { onRetry: (milliseconds) => heard.push(milliseconds) })) heard.push(event.type);
      return heard;
    """,
        'retry: 1898\n\nevent: text\ndata: {"text":"retry: 5"}\n\n',
    )
    assert heard == [1898, "text"]


async def test_a_silent_line_is_given_up(page: PageDriver) -> None:
    assert await run(
        page,
        """
      const { readEvents, SilentLine } = await load("sse.js");
      try {
        for await (const event of readEvents(new ReadableStream(), { silenceMs: 20 })) return event;
      } catch (error) { return error instanceof SilentLine; }
    """,
    )


async def test_blocks_close_outside_fences_stay_as_they_are_and_join_to_the_text(page: PageDriver) -> None:
    text = "# Title\n\nOne\n\n```python\na = 1\n\nb = 2\n```\nTwo\n\n- x\n  more\n- y\n\nLast wor"
    result = await run(
        page,
        """
      const { splitBlocks } = await load("blocks.js");
      const whole = splitBlocks(argument);
      const broken = [];
      const unstable = [];
      for (let length = 0; length <= argument.length; length += 1) {
        const { closed, open } = splitBlocks(argument.slice(0, length));
        if (closed.join("") + open !== argument.slice(0, length)) broken.push(length);
        if (closed.some((block, index) => block !== whole.closed[index])) unstable.push(length);
      }
      return { ...whole, broken, unstable };
    """,
        text,
    )
    assert result == {
        "closed": [
            "# Title\n\n",
            "One\n\n",
            "```python\na = 1\n\nb = 2\n```\n",
            "Two\n\n",
            "- x\n  more\n",
            "- y\n\n",
        ],
        "open": "Last wor",
        "broken": [],
        "unstable": [],
    }


async def test_an_open_fence_is_shown_as_its_code(page: PageDriver) -> None:
    result = await run(
        page,
        """
      const { openCode } = await load("blocks.js");
      return ["```py\\nx = 1", "```py\\nx = 1\\n``", "~~~", "text"].map(openCode);
    """,
    )
    assert result == ["x = 1", "x = 1\n", "", None]


async def test_what_the_agent_did_is_one_sentence(page: PageDriver) -> None:
    sentence = await run(
        page,
        """
      const { summarise } = await load("activity.js");
      const tools = ["search_code", "read_file", "search_code", "unheard_of"].map((name) => ({ name }));
      return [summarise(tools, "hm"), summarise([], "")];
    """,
    )
    assert sentence == ["Thought, searched 2 times, read 1 excerpt, used unheard_of once", ""]


async def test_damaged_text_is_told_from_whole_text(page: PageDriver) -> None:
    sha256_of_hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    result = await run(
        page,
        """
      const { isWhole } = await load("integrity.js");
      return [await isWhole("hello", argument), await isWhole("hellO", argument), await isWhole("x", undefined)];
    """,
        sha256_of_hello,
    )
    assert result == [True, False, True]


async def test_strings_become_markup_only_through_the_one_policy(page: PageDriver) -> None:
    refused = await run(
        page,
        """
      const refusals = [];
      try { document.body.innerHTML = "<b>x</b>"; } catch { refusals.push("innerHTML"); }
      try { trustedTypes.createPolicy("other", { createHTML: (html) => html }); } catch { refusals.push("policy"); }
      try { trustedTypes.createPolicy("riverrun", { createHTML: (html) => html }); } catch { refusals.push("again"); }
      return refusals;
    """,
    )
    assert refused == ["innerHTML", "policy", "again"]
    page.faults.clear()  # Chromium reports the refusals that the test asked for.


async def test_times_are_told_from_now_backwards(page: PageDriver) -> None:
    told = await run(
        page,
        """
      const { ago } = await load("words.js");
      return [0, -300, -90_000, 40, 90_000].map((seconds) => ago(1e12 + seconds * 1000, 1e12));
    """,
    )
    assert told == ["just now", "5 minutes ago", "yesterday", "just now", "just now"]
