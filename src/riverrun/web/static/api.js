/** The server's HTTP API. Every failure is a `Problem` that a person can read. */

import { learnTime } from "./server_clock.js";

/** What went wrong and what to do. `status` is the HTTP status, 0 when the server could not be reached; `runId` names a run that is in the way. */
export class Problem extends Error {
  constructor(title, detail, status, runId = null) {
    super(detail ? `${title}. ${detail}` : title);
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.runId = runId;
  }

  get isUnreachable() {
    return this.status === 0;
  }

  /** Whether the same request may succeed a moment later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

let onSignedOut = () => {};

/** Call `listener` whenever the server says that nobody is signed in. */
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

/**
 * A request to the server. Throws a `Problem`; an aborted one throws the signal's `AbortError`. Who `isKnocking` gives a
 * password or a token to come in by: their 401 is for them alone, and says nothing of who is signed in.
 */
export async function send(method, path, { body, headers = {}, signal, isKnocking = false } = {}) {
  const options = { method, headers: { ...headers }, signal, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await reach(path, options);
  learnTime(response.headers.get("date"));
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (response.status === 401 && !isKnocking) onSignedOut();
  throw problem;
}

/** The same, with the answer's JSON; null when it has none. */
export async function request(method, path, options) {
  const response = await send(method, path, options);
  return response.status === 204 ? null : response.json();
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem("The server cannot be reached", "Check your network, and that Riverrun is running.", 0);
  }
}

async function readProblem(response) {
  try {
    const { title, detail, run_id: runId } = await response.json();
    return new Problem(title ?? response.statusText, detail ?? "", response.status, runId);
  } catch {
    return new Problem(`The server answered ${response.status}`, "Try again in a moment.", response.status);
  }
}

/** A value that is used once: for idempotency keys. Works on plain http too, where `randomUUID` does not. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const v1 = "/api/v1";

/** Who is signed in. A 401 is for the caller alone when it `isKnocking`. */
export const account = (options) => request("GET", `${v1}/account/me`, options);
export const signOut = () => request("POST", `${v1}/logout`);

export const listProjects = () => request("GET", `${v1}/projects/list`);
export const addProject = (source) => request("POST", `${v1}/parse`, { body: source });
export const removeProject = (id) => request("DELETE", `${v1}/projects/${id}`);
export const readFile = (id, path, start, end, signal) =>
  request("GET", `${v1}/projects/${id}/file?${new URLSearchParams({ path, start, end })}`, { signal });

/** One's own, or those that others share. */
export const listConversations = (start, limit, shared = false) =>
  request("GET", `${v1}/conversations?${new URLSearchParams({ start, limit, shared })}`);
export const createConversation = (projectId) =>
  request("POST", `${v1}/conversations`, { body: { project_ids: [projectId] } });
export const conversationInfo = (id, signal) => request("GET", `${v1}/conversations/${id}/info`, { signal });
export const renameConversation = (id, title) =>
  request("PATCH", `${v1}/conversations/${id}/rename`, { body: { title } });
export const removeConversation = (id) => request("DELETE", `${v1}/conversations/${id}`);
export const listMessages = (id, start, limit, signal) =>
  request("GET", `${v1}/conversations/${id}/messages?${new URLSearchParams({ start, limit })}`, { signal });

/** Ask; the receipt names the run. The same key is the same question, however often it is sent. */
export const postMessage = (id, content, key) =>
  request("POST", `${v1}/conversations/${id}/message?background=true`, {
    body: { content },
    headers: { "idempotency-key": key },
  });

/** Have the last question answered again; the receipt names the run. */
export const regenerate = (id, key) =>
  request("POST", `${v1}/conversations/${id}/regenerate?background=true`, { headers: { "idempotency-key": key } });
export const readMessage = (id, messageId, signal) =>
  request("GET", `${v1}/conversations/${id}/messages/${messageId}`, { signal });

export const runInfo = (id, signal) => request("GET", `${v1}/runs/${id}`, { signal });
export const stopRun = (id) => request("POST", `${v1}/runs/${id}/stop`);

/** A tool's result that an event only points to. */
export const readResult = (pointer) => request("GET", pointer);

/** The open stream of the events of `[run id, position]` pairs, each after its position; null when nothing is missing. */
export async function openEvents(places, signal) {
  const runs = places.map(([runId, position]) => `run=${runId}@${position}`);
  const response = await send("GET", `${v1}/runs/events?${runs.join("&")}`, {
    headers: { accept: "text/event-stream" },
    signal,
  });
  return response.status === 204 ? null : response.body;
}

export const renderMarkdown = async (text) => (await request("POST", `${v1}/markdown`, { body: { text } })).html;
