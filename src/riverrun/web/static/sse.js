/** Server-sent events out of a byte stream; pure but for the clock that notices a silent line. */

/** Nothing came for longer than the server's heartbeat allows: the line is dead. */
export class SilentLine extends Error {}

/**
 * The events of a response body as `{id, type, data}`, `data` parsed as JSON, in order. Heartbeats keep the line alive
 * and are not yielded. `onRetry` hears of the pause in milliseconds that the server asks for before a reconnect. An
 * unfinished event at the stream's end is dropped: it will come again after its predecessor.
 */
export async function* readEvents(body, { silenceMs = 40_000, onRetry = () => {} } = {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await within(silenceMs, reader.read());
      if (done) return;
      const blocks = (rest + value.replaceAll("\r", "")).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const retry = /^retry: ?(\d+)$/m.exec(block);
        if (retry) onRetry(Number(retry[1]));
        const event = parseEvent(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** One event's lines; null for a comment or a bare `retry`. */
export function parseEvent(block) {
  const event = { id: null, type: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === "id") event.id = value;
    else if (name === "event") event.type = value;
    else if (name === "data") event.data += event.data ? `\n${value}` : value;
  }
  if (!event.data && event.type === "message") return null;
  return { ...event, data: event.data ? JSON.parse(event.data) : {} };
}

async function within(milliseconds, promise) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new SilentLine()), milliseconds);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
