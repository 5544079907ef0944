"""The tab's one connection, played against a scripted server in the browser: every cut, every answer, any set of runs."""

import pytest
from tests.support.page_driver import PageDriver
from tests.support.page_modules import run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCRIPT = """
  const { RunDamaged, TabStream } = await load("tab_stream.js");
  const { RunFold } = await load("fold.js");
  const { Problem } = await load("api.js");
  const event = (type, seq, data = {}, attempt = 1) => ({ type, position: `${attempt}-${seq}`, data: { seq, attempt, ...data } });
  const text = (seq, words, attempt = 1) => event("text", seq, { text: words }, attempt);
  const end = (seq, attempt = 1) => event("end", seq, { status: "completed" }, attempt);

  /** What the server was asked, and each event that it sent, in order. */
  const requests = [];
  const sent = [];
  const realFetch = window.fetch;

  /** Answer the requests for these runs by `answer(wanted, number)`, a Response; all others go to the real server. */
  function answerBy(answer) {
    requests.length = sent.length = 0;
    window.fetch = async (path, options = {}) => {
      if (!String(path).startsWith("/api/v1/runs/events?run=run-")) return realFetch(path, options);
      const wanted = new URLSearchParams(path.split("?")[1]).getAll("run").map((one) => one.split("@"));
      requests.push(wanted.map((one) => one.join("@")).join(" "));
      return answer(wanted, requests.length, options.signal);
    };
  }

  /** A stream that `play(say, close, fail)` writes to; the client may leave it. */
  function stream(signal, play) {
    const encoder = new TextEncoder();
    const body = new ReadableStream({
      start(controller) {
        const write = (words) => controller.enqueue(encoder.encode(words));
        let isOver = false;
        const over = (finish) => () => { if (!isOver) { isOver = true; finish(); } };
        signal?.addEventListener("abort", over(() => controller.error(signal.reason)));
        const say = (runId, { type, position, data }) => {
          if (isOver) return;
          sent.push(`${runId} ${position} ${type}`);
          write(`id: x\\nevent: ${type}\\ndata: ${JSON.stringify({ run_id: runId, ...data })}\\n\\n`);
        };
        write("retry: 1\\n\\n");
        play(say, over(() => controller.close()), over(() => controller.error(new TypeError("cut"))), write);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  /** What comes after a position in a log. */
  const after = (log, position) => log.slice(log.findIndex((one) => one.position === position) + 1);

  /** Turn by turn the next event of each run. */
  function interleave(logs, wanted) {
    const rests = wanted.map(([runId, position]) => after(logs[runId], position).map((one) => [runId, one]));
    const longest = Math.max(...rests.map((rest) => rest.length));
    return Array.from({ length: longest }, (_, place) => rests.flatMap((rest) => rest.slice(place, place + 1))).flat();
  }

  /** Follow a run; its fold with the states of its line, and how following ended. */
  function follow(tab, runId, signal = new AbortController().signal) {
    const followed = { fold: new RunFold(), lines: [] };
    const line = { signal, onChange: () => followed.onChange?.(), onLine: (state) => followed.lines.push(state) };
    followed.over = tab.follow(runId, followed.fold, line).then(() => "ended", (error) => error);
    return followed;
  }
"""


async def test_two_runs_cut_after_every_event_are_read_exactly(page: PageDriver) -> None:
    """One of them is taken over by a second attempt meanwhile."""
    result = await run(
        page,
        SCRIPT
        + """
      const logs = {
        "run-a": [event("queued", 1), event("started", 2), text(3, "lost "), text(4, "lost"),
                  event("attempt", 2, { keeps_seq: 1 }, 2), text(3, "kept ", 2), text(4, "words", 2), end(5, 2)],
        "run-b": [event("queued", 1), event("started", 2), ...[3, 4, 5, 6].map((seq) => text(seq, `${seq} `)), end(7)],
      };
      const total = logs["run-a"].length + logs["run-b"].length;
      const wrong = [];
      for (const way of ["close", "fail"]) {
        for (let cut = 0; cut < total; cut += 1) {
          answerBy((wanted, number, signal) => stream(signal, (say, close, fail) => {
            const events = interleave(logs, wanted);
            for (const [runId, one] of number === 1 ? events.slice(0, cut) : events) say(runId, one);
            if (number === 1 && way === "fail") setTimeout(fail); else close();
          }));
          const tab = new TabStream();
          const [a, b] = [follow(tab, "run-a"), follow(tab, "run-b")];
          const endings = await Promise.all([a.over, b.over]);
          const found = [...endings, a.fold.text, b.fold.text, requests.length, sent.length, new Set(sent).size].join("|");
          if (found !== `ended|ended|kept words|3 4 5 6 |2|${total}|${total}`) wrong.push({ way, cut, found });
        }
      }
      return wrong;
    """,
    )
    assert result == []


async def test_runs_come_and_go_and_each_goes_on_where_it_is(page: PageDriver) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      const logs = { "run-a": [event("queued", 1), text(2, "a"), text(3, "b"), end(4)],
                     "run-b": [event("queued", 1), text(2, "c"), end(3)], "run-c": [event("queued", 1)] };
      answerBy((wanted, number, signal) => stream(signal, (say) => {
        for (const [runId, one] of interleave(logs, wanted)) if (number < 3 ? one.data.seq <= 2 : true) say(runId, one);
      }));
      const until = async (isSo) => { while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1)); };
      const tab = new TabStream();
      const a = follow(tab, "run-a");
      await until(() => a.fold.text === "a");
      const leaving = new AbortController();
      const c = follow(tab, "run-c", leaving.signal);
      await until(() => c.fold.seq === 1);
      leaving.abort();
      const b = follow(tab, "run-b");
      const endings = await Promise.all([a.over, b.over, c.over.then((error) => error.name)]);
      return { requests, endings, texts: [a.fold.text, b.fold.text], lines: [a.lines, b.lines] };
    """,
    )
    assert result == {
        "requests": ["run-a@0-0", "run-a@1-2 run-c@0-0", "run-a@1-2 run-b@0-0"],
        "endings": ["ended", "ended", "AbortError"],
        "texts": ["ab", "c"],
        "lines": [["live", "live", "live"], ["live"]],
    }


async def test_one_run_ends_or_is_refused_and_the_others_go_on_over_the_same_line(page: PageDriver) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      let finish;
      answerBy((wanted, number, signal) => stream(signal, (say, close) => {
        say("run-a", event("queued", 1));
        say("run-b", { type: "problem", position: "x", data: { title: "Not found", detail: "It is not yours.", status: 404 } });
        say("run-a", end(2));
        say("run-c", event("queued", 1));
        finish = () => { say("run-c", text(2, "more")); say("run-c", end(3)); close(); };
      }));
      const tab = new TabStream();
      const [a, b, c] = ["run-a", "run-b", "run-c"].map((runId) => follow(tab, runId));
      const problem = await b.over;
      const ending = await a.over;
      finish();
      return [ending, problem instanceof Problem, problem.status, problem.detail, await c.over, c.fold.text, requests.length];
    """,
    )
    assert result == ["ended", True, 404, "It is not yours.", "ended", "more", 1]


async def test_a_server_that_leaves_is_come_back_to_with_every_position(page: PageDriver) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      const logs = { "run-a": [event("queued", 1), end(2)], "run-b": [event("queued", 1), text(2, "x"), end(3)] };
      answerBy((wanted, number, signal) => stream(signal, (say, close, fail, write) => {
        if (number > 1) return interleave(logs, wanted).forEach(([runId, one]) => say(runId, one)) ?? close();
        say("run-b", logs["run-b"][0]);
        say("run-b", logs["run-b"][1]);
        write('event: reconnect\\ndata: {"position":"0-0,1-2"}\\n\\n');
      }));
      const tab = new TabStream();
      const [a, b] = [follow(tab, "run-a"), follow(tab, "run-b")];
      return [await a.over, await b.over, b.fold.text, requests, a.lines];
    """,
    )
    assert result == [
        "ended", "ended", "x", ["run-a@0-0 run-b@0-0", "run-a@0-0 run-b@1-2"], ["live", "restarting", "live"]
    ]  # fmt: skip


async def test_a_reset_and_a_hole_of_one_run_cost_the_other_nothing(page: PageDriver) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      answerBy((wanted, number, signal) => stream(signal, (say, close) => {
        if (number === 1) {
          say("run-b", event("queued", 1));
          say("run-a", { type: "reset", position: "2-5", data: { seq: 5, attempt: 2, position: "2-5",
            snapshot: { text: "snap", thinking: "", citations: [], tool_calls: [] } } });
          say("run-a", text(7, "beyond the hole", 2));
        } else {
          say("run-a", text(6, "shot", 2)); say("run-a", end(7, 2)); say("run-b", text(2, "y")); say("run-b", end(3)); close();
        }
      }));
      const tab = new TabStream();
      const [a, b] = [follow(tab, "run-a"), follow(tab, "run-b")];
      return [await a.over, await b.over, a.fold.text, b.fold.text, requests[1]];
    """,
    )
    assert result == ["ended", "ended", "snapshot", "y", "run-a@2-5 run-b@1-1"]


@pytest.mark.parametrize("status", [204, 400])
async def test_what_cannot_be_continued_is_begun_again_three_times(page: PageDriver, status: int) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      const refuse = () => new Response(argument === 204 ? null : '{"title":"Bad","detail":""}', { status: argument });
      answerBy((wanted, number, signal) => number > 1 ? refuse() : stream(signal, (say, close) => {
        say("run-a", event("queued", 1)); say("run-a", text(2, "x")); close();
      }));
      const followed = follow(new TabStream(), "run-a");
      const error = await followed.over;
      return [error instanceof (argument === 204 ? RunDamaged : Problem), requests];
    """,
        status,
    )
    begun = ["run-a@0-0", "run-a@1-2", "run-a@0-0", "run-a@0-0", "run-a@0-0"]
    assert result == [True, begun]


async def test_a_server_that_is_away_is_waited_for_and_one_that_refuses_is_not(page: PageDriver) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      const tab = new TabStream();
      const refusal = (status) => new Response(JSON.stringify({ title: "No", detail: "" }), { status });
      answerBy((wanted, number, signal) => {
        if (number === 1) throw new TypeError("no server");
        return number === 2 ? refusal(503) : stream(signal, (say, close) => { say("run-a", end(1)); close(); });
      });
      const a = follow(tab, "run-a");
      const waited = [await a.over, a.lines, requests.length];
      answerBy(() => refusal(403));
      const refused = await Promise.all([follow(tab, "run-b").over, follow(tab, "run-c").over]);
      return [waited, refused.map((problem) => problem.status), requests.length];
    """,
    )
    assert result == [["ended", ["lost", "lost", "live"], 3], [403, 403], 1]


async def test_more_runs_than_the_server_allows_wait_for_a_place(page: PageDriver) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      answerBy((wanted, number, signal) => stream(signal, (say, close) => {
        const someWait = number <= 70 - 64;
        for (const [runId] of someWait ? wanted.slice(-1) : wanted) say(runId, end(1));
        if (!someWait) close();
      }));
      const tab = new TabStream();
      const followed = Array.from({ length: 70 }, (_, number) => follow(tab, `run-${number}`));
      const endings = await Promise.all(followed.map(({ over }) => over));
      return [[...new Set(endings)], requests.map((one) => one.split(" ").length), sent.length, new Set(sent).size];
    """,
    )
    assert result == [["ended"], [64] * 7, 70, 70]


async def test_an_ended_fold_is_not_asked_about_and_a_run_has_one_follower(page: PageDriver) -> None:
    result = await run(
        page,
        SCRIPT
        + """
      answerBy((wanted, number, signal) => stream(signal, (say, close) => { say("run-a", end(1)); close(); }));
      const tab = new TabStream();
      const first = follow(tab, "run-a");
      const second = await follow(tab, "run-a").over;
      await first.over;
      await tab.follow("run-a", first.fold, { signal: new AbortController().signal });
      return [second.message, requests.length];
    """,
    )
    assert result == ["run run-a is followed already", 1]
