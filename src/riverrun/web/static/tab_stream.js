/** One connection for all runs that the tab follows, each to its end, however often the line is lost. */

import { openEvents, Problem } from "./api.js";
import { StreamBroken } from "./fold.js";
import { readEvents } from "./sse.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
const MOST_RESTARTS = 3;
const MOST_RUNS = 64;

/** The server says that nothing is missing, and yet the end was never seen. */
export class RunDamaged extends Error {}

/**
 * Browsers open six connections to a server, for all tabs together: a tab takes one. Another set of runs is another
 * connection, which goes on at the position that each run's fold has. Of more than the server allows, the newest are read
 * and the others wait.
 */
export class TabStream {
  #seats = new Map();
  #isOpen = false;
  #hasChanged = false;
  #interrupt = () => {};
  #pauseMs = FIRST_PAUSE_MS;
  #failures = 0;

  /**
   * Read a run's events into `fold` until its end. `onChange` is called after each event that changes the fold, `onLine`
   * with `live`, `lost` (the network is gone, or the server) and `restarting` (the server said so). Throws the server's
   * `Problem` when it refuses, `RunDamaged` when the events cannot be had whole, and `AbortError` by `signal`. A run has
   * one follower at a time.
   */
  async follow(runId, fold, { signal, onChange, onLine }) {
    signal.throwIfAborted();
    if (fold.end) return;
    if (this.#seats.has(runId)) throw new Error(`run ${runId} is followed already`);
    const { promise: over, resolve, reject } = outcome();
    const seat = { runId, fold, onChange, onLine, resolve, reject, restarts: 0 };
    const leave = () => {
      this.#fail(seat, signal.reason);
      this.#change();
    };
    signal.addEventListener("abort", leave);
    this.#seats.set(runId, seat);
    this.#change();
    try {
      await over;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  #finish(seat) {
    this.#remove(seat);
    seat.resolve();
  }

  #fail(seat, reason) {
    this.#remove(seat);
    seat.reject(reason);
  }

  /** The line goes on without the run, unless another one has waited for its place. */
  #remove(seat) {
    this.#seats.delete(seat.runId);
    if (this.#seats.size >= MOST_RUNS) this.#change();
  }

  #change() {
    this.#hasChanged = true;
    this.#interrupt();
    if (!this.#isOpen) this.#keepOpen();
  }

  async #keepOpen() {
    this.#isOpen = true;
    await null; // Runs that come in one breath share the first request.
    while (this.#seats.size > 0) {
      this.#hasChanged = false;
      const seats = [...this.#seats.values()].slice(-MOST_RUNS);
      const state = await this.#connect(seats);
      if (this.#hasChanged || this.#seats.size === 0) continue;
      for (const seat of this.#seats.values()) seat.onLine(state);
      await this.#pause();
    }
    this.#isOpen = false;
  }

  /** What one connection brings; how it ended: `lost` or `restarting`. */
  async #connect(seats) {
    const line = new AbortController();
    const cut = () => line.abort();
    this.#interrupt = cut;
    window.addEventListener("offline", cut);
    try {
      const body = await openEvents(seats.map(({ runId, fold }) => [runId, fold.position]), line.signal);
      if (body === null) throw new RunDamaged("the server knows no further event, and no end was read");
      for (const seat of seats) seat.onLine("live");
      for await (const event of readEvents(body, { onRetry: (milliseconds) => (this.#pauseMs = milliseconds) })) {
        if (line.signal.aborted) break;
        this.#failures = 0;
        if (event.type === "reconnect") return "restarting";
        this.#take(event);
      }
    } catch (error) {
      if (line.signal.aborted) return "lost";
      if (error instanceof StreamBroken) return "restarting";
      this.#judge(error, seats);
    } finally {
      window.removeEventListener("offline", cut);
      line.abort();
    }
    return "lost";
  }

  #take(event) {
    const seat = this.#seats.get(event.data.run_id);
    if (!seat) return;
    if (event.type === "problem") {
      const { title, detail, status } = event.data;
      this.#fail(seat, new Problem(title, detail, status));
      return;
    }
    if (seat.fold.apply(event)) seat.onChange();
    if (seat.fold.end) this.#finish(seat);
  }

  /** A refusal is final; of what cannot be continued a few more beginnings are tried; all else passes. */
  #judge(error, seats) {
    const isBadPosition = error instanceof RunDamaged || (error instanceof Problem && error.status === 400);
    const isFinal = error instanceof Problem && !error.isPassing && !isBadPosition;
    for (const seat of seats.filter(({ runId }) => this.#seats.has(runId))) {
      if (isBadPosition) {
        seat.restarts += 1;
        seat.fold.restart();
      }
      if (isFinal || seat.restarts > MOST_RESTARTS) this.#fail(seat, error);
    }
  }

  /** As long as the server asked for (it spreads its readers), twice that after each further failure. */
  #pause() {
    const milliseconds = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        window.removeEventListener("online", finish);
        resolve();
      };
      const timer = setTimeout(finish, milliseconds);
      window.addEventListener("online", finish);
      this.#interrupt = finish;
    });
  }
}

function outcome() {
  const handles = {};
  handles.promise = new Promise((resolve, reject) => Object.assign(handles, { resolve, reject }));
  return handles;
}
