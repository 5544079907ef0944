/** A run's events folded into what a person sees. Pure: no page, no network. */

export const START = "0-0";

/** The events do not continue what was read; read on from the fold's `position`. */
export class StreamBroken extends Error {}

/**
 * Applies events in order. `attempt` takes back what no longer counts, `reset` replaces everything, a repeated event
 * changes nothing.
 */
export class RunFold {
  constructor() {
    this.restart();
  }

  /** Forget everything; `position` is the start again. */
  restart() {
    this.#startFrom({}, START);
  }

  /** Take one event in; false when it changes nothing. Throws `StreamBroken` when events before it are missing. */
  apply(event) {
    if (event.type === "reset") {
      this.#startFrom(event.data.snapshot ?? {}, event.data.position);
      return true;
    }
    if (event.type === "attempt") this.#dropAbove(event.data.keeps_seq);
    const { seq } = event.data;
    if (seq <= this.seq) return false;
    if (seq > this.seq + 1) throw new StreamBroken(`event ${this.seq + 1} is missing`);
    this.#events.push(event);
    this.#take(event);
    return true;
  }

  #base;
  #events;

  #startFrom(snapshot, position) {
    this.#base = { snapshot, position };
    this.#events = [];
    this.#rebuild();
  }

  #dropAbove(seq) {
    if (seq < seqOf(this.#base.position)) {
      this.restart();
      throw new StreamBroken("a new attempt took back a part of the snapshot");
    }
    this.#events = this.#events.filter((event) => event.data.seq <= seq);
    this.#rebuild();
  }

  #rebuild() {
    const { snapshot, position } = this.#base;
    this.position = position;
    this.seq = seqOf(position);
    this.text = snapshot.text ?? "";
    this.thinking = snapshot.thinking ?? "";
    this.tools = (snapshot.tool_calls ?? []).map((call) => ({ ...call }));
    this.citations = uniquePlaces(snapshot.citations ?? []);
    this.progress = null;
    this.isStarted = this.seq > 0;
    this.end = null;
    for (const event of this.#events) this.#take(event);
  }

  #take({ type, data }) {
    this.position = `${data.attempt}-${data.seq}`;
    this.seq = data.seq;
    if (type !== "queued") this.isStarted = true;
    if (type === "text") this.text += data.text;
    else if (type === "thinking") this.thinking += data.text;
    else if (type === "tool_call") this.tools.push(toolCall(data));
    else if (type === "tool_result") this.#takeResult(data);
    else if (type === "citation") this.citations = uniquePlaces([...this.citations, data]);
    else if (type === "progress") this.progress = data;
    else if (type === "end") this.end = data;
  }

  #takeResult({ call_id: callId, result, pointer, bytes }) {
    const call = this.tools.findLast((tool) => tool.call_id === callId);
    if (call) Object.assign(call, pointer === undefined ? { result } : { pointer, bytes });
  }
}

function seqOf(position) {
  return Number(position.slice(position.lastIndexOf("-") + 1));
}

/** Places, each once, in the order of their first mention. */
export function uniquePlaces(places) {
  const byKey = new Map();
  for (const place of places) {
    const key = `${place.repo}\n${place.version ?? ""}\n${place.path}\n${place.start_line}-${place.end_line}`;
    if (!byKey.has(key)) byKey.set(key, place);
  }
  return [...byKey.values()];
}

/** A call whose content is not for this reader is `hidden`. */
function toolCall({ call_id: callId, name, arguments: given, hidden }) {
  return { call_id: callId, name, ...(hidden ? { hidden } : { arguments: given }) };
}
