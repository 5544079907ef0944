/** Following a run to its end, however often the line is lost. */

import { openEvents, Problem } from "./api.js";
import { StreamBroken } from "./fold.js";
import { readEvents } from "./sse.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const MOST_RESTARTS = 3;

/** The server says that nothing is missing, and yet the end was never seen. */
export class RunDamaged extends Error {}

/**
 * Read a run's events into `fold` until its end. `onChange` is called after each event that changes the fold, `onLine`
 * with `live`, `lost` (the network is gone, or the server) and `restarting` (the server said so). Throws the server's
 * `Problem` when it refuses, `RunDamaged` when the events cannot be had whole, and `AbortError` by `signal`.
 */
export async function followRun(runId, fold, { signal, onChange, onLine }) {
  let failures = 0;
  let restarts = 0;
  while (!fold.end) {
    try {
      const left = await readOnce(runId, fold, { signal, onChange, onLine, onNews: () => (failures = 0) });
      if (fold.end) return;
      onLine(left);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RunDamaged || (error instanceof Problem && error.status === 400)) {
        restarts += 1;
        if (restarts > MOST_RESTARTS) throw error;
        fold.restart();
      } else if (error instanceof Problem && !error.isPassing) {
        throw error;
      }
      onLine("lost");
    }
    failures += 1;
    await pause(failures, signal);
  }
}

/** What one connection brings; how it ended without an end: `lost` or `restarting`. */
async function readOnce(runId, fold, { signal, onChange, onLine, onNews }) {
  const line = new AbortController();
  const cut = () => line.abort();
  signal.addEventListener("abort", cut);
  window.addEventListener("offline", cut);
  try {
    const body = await openEvents(runId, fold.position, line.signal);
    if (body === null) throw new RunDamaged("the server knows no further event, and no end was read");
    onLine("live");
    for await (const event of readEvents(body)) {
      signal.throwIfAborted();
      onNews();
      if (event.type === "reconnect") return "restarting";
      if (fold.apply(event)) onChange();
      if (fold.end) return "ended";
    }
    return "lost";
  } catch (error) {
    if (error instanceof StreamBroken) return "restarting";
    throw error;
  } finally {
    line.abort();
    signal.removeEventListener("abort", cut);
    window.removeEventListener("offline", cut);
  }
}

/** Doubling pauses, each shortened at random so that a crowd does not come back at once; less when the network returns. */
function pause(failures, signal) {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
  const milliseconds = longest * (0.5 + Math.random() / 2);
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      window.removeEventListener("online", finish);
      signal.removeEventListener("abort", finish);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    window.addEventListener("online", finish);
    signal.addEventListener("abort", finish);
  });
}
