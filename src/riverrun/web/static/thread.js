/** The conversation in the middle: its turns, the ask box, and the answer that is being written. */

import * as api from "./api.js";
import { announce } from "./announce.js";
import { Answer } from "./answer.js";
import { Composer } from "./composer.js";
import { button, element, icon } from "./dom.js";
import { RunDamaged, followRun } from "./follow.js";
import { RunFold, uniquePlaces } from "./fold.js";
import { isWhole } from "./integrity.js";
import { welcome } from "./welcome.js";

const PAGE = 100;
const NEAR_PX = 120;
const OUTCOMES = { completed: "The answer is complete.", cancelled: "The answer was stopped.", error: "The answer failed." };

/** `panel` shows citations; `onBegun(id)` is told of a new conversation, `onChanged()` when the list is out of date. */
export class Thread {
  id = null;
  projectIds = [];
  #info = null;
  #lifetime = new AbortController();
  #runId = null;
  #unsent = null;
  #turns = element("div", { class: "turns" });
  #notice = element("div", { class: "toast", role: "alert", hidden: true });
  #latest = element(
    "button", { type: "button", class: "latest", hidden: true, on: { click: () => this.#scrollToEnd("smooth") } },
    icon("bottom"), "Latest");

  constructor({ projects, panel, onBegun, onChanged, onTitle }) {
    Object.assign(this, { projects, panel, onBegun, onChanged, onTitle });
    this.composer = new Composer({ onAsk: (text) => this.#ask(text), onStop: () => this.#stop() });
    this.scroller = element("div", { class: "scroller", on: { scroll: () => this.#onScroll() } }, this.#turns);
    this.node = element(
      "main", { id: "main", tabindex: -1 },
      this.scroller, element("div", { class: "dock" }, this.#latest, this.#notice, this.composer.node),
    );
    projects.addEventListener("change", () => this.#onProjects());
  }

  /** Show a conversation, or the first page for null. A run that is under way is followed from its beginning. */
  async open(id) {
    this.#lifetime.abort();
    this.#lifetime = new AbortController();
    const { signal } = this.#lifetime;
    Object.assign(this, { id, projectIds: [] });
    this.#info = null;
    this.#setRun(null);
    this.#say(null);
    this.#turns.replaceChildren();
    this.panel.close();
    this.#onProjects();
    this.onTitle(null);
    if (id === null) return this.#showWelcome();
    try {
      await this.#load(id, signal);
    } catch (problem) {
      if (signal.aborted) return;
      this.#showLoadFailure(problem);
    }
  }

  /** Words over the ask box until the next question; null takes them away. */
  #say(problem) {
    this.#notice.hidden = !problem;
    this.#notice.replaceChildren();
    if (!problem) return;
    const dismiss = button("Dismiss", { class: "quiet", on: { click: () => this.#say(null) } });
    const words = element("p", {}, element("strong", {}, `${problem.title ?? "Something went wrong"}. `), problem.detail ?? problem.message);
    this.#notice.append(words, dismiss);
  }

  showProblem(problem) {
    this.#say(problem);
  }

  setTitle(title) {
    if (this.#info) this.#info.title = title;
    this.onTitle(title);
  }

  // The session is read before the messages: an answer that ends in between is then found among them.
  async #load(id, signal) {
    const session = await api.activeSession(id, signal);
    this.#info = await api.conversationInfo(id, signal);
    this.projectIds = this.#info.project_ids;
    this.onTitle(this.#info.title);
    this.#onProjects();
    const start = Math.max(0, this.#info.total_messages - PAGE);
    const messages = await api.listMessages(id, start, PAGE + 20, signal);
    if (start > 0) this.#turns.append(this.#earlierButton(start));
    await this.#showMessages(messages, session?.runId, signal);
    if (signal.aborted) return;
    this.#scrollToEnd();
    const isStored = messages.some((message) => message.type === "AI_GENERATED" && message.run_id === session?.runId);
    if (session && !isStored) this.#follow(session.runId, this.#appendAnswer(lastQuestion(messages)));
  }

  #earlierButton(start) {
    const earlier = button("Show earlier messages", {
      class: "quiet wide",
      on: {
        click: async () => {
          const { signal } = this.#lifetime;
          const first = Math.max(0, start - PAGE);
          const messages = await api.listMessages(this.id, first, start - first, signal).catch((problem) => this.#say(problem));
          if (!messages || signal.aborted) return;
          const nodes = messages.map((message) => this.#turnOf(message));
          earlier.replaceWith(...(first > 0 ? [this.#earlierButton(first)] : []), ...nodes);
        },
      },
    });
    return earlier;
  }

  async #showMessages(messages, activeRunId, signal) {
    const answered = new Set(messages.filter((message) => message.type !== "HUMAN").map((message) => message.run_id));
    for (const message of messages) {
      this.#turns.append(this.#turnOf(message));
      const isWordless = message.type === "HUMAN" && message.run_id && !answered.has(message.run_id);
      if (isWordless && message.run_id !== activeRunId) await this.#appendWordless(message, signal);
    }
  }

  #turnOf(message) {
    if (message.type === "HUMAN") return question(message.content);
    const answer = this.#newAnswer(null);
    const whole = {
      text: message.content,
      thinking: message.thinking,
      tools: message.tool_calls,
      citations: uniquePlaces(message.citations),
    };
    answer.showWhole(whole, endingOf(message.reason));
    return answer.node;
  }

  /** A run that left no message: it failed, or was stopped, before its first word. */
  async #appendWordless(message, signal) {
    const run = await api.runInfo(message.run_id, signal).catch(() => null);
    if (!run || signal.aborted) return;
    const answer = this.#appendAnswer(message.content);
    await answer.showWhole({ text: "", thinking: "", tools: [], citations: [] }, { status: run.status, ...run.error });
  }

  #newAnswer(questionText) {
    return new Answer({
      openPlace: (place, opener) => this.panel.open(place, opener),
      askAgain: questionText === null ? null : () => this.#ask(questionText),
    });
  }

  #appendAnswer(questionText) {
    const answer = this.#newAnswer(questionText);
    this.#turns.append(answer.node);
    return answer;
  }

  /** Post a question; true once the server has it. What was not taken stays in the box, and keeps its key. */
  async #ask(text) {
    if (this.#runId) return false;
    this.#say(null);
    const { signal } = this.#lifetime;
    if (this.#unsent?.text !== text || this.#unsent.id !== this.id) this.#unsent = { text, key: api.newKey(), id: this.id };
    try {
      if (this.id === null) await this.#begin();
      const { run_id: runId } = await api.postMessage(this.id, text, this.#unsent.key);
      this.#unsent = null;
      if (signal.aborted) return true;
      this.#turns.querySelector(".welcome")?.remove();
      this.#turns.append(question(text));
      const answer = this.#appendAnswer(text);
      answer.showProgress(new RunFold());
      this.#scrollToEnd("smooth");
      this.#follow(runId, answer);
      this.onChanged();
      return true;
    } catch (problem) {
      if (signal.aborted) return false;
      if (problem.status === 409) await this.open(this.id);
      this.#say(problem);
      return false;
    }
  }

  async #begin() {
    const { conversation_id: id } = await api.createConversation(this.projects.selected.id);
    this.projectIds = [this.projects.selected.id];
    this.id = id;
    this.#unsent.id = id;
    this.onBegun(id);
  }

  async #stop() {
    if (!this.#runId) return;
    this.composer.isStopping = true;
    try {
      await api.stopRun(this.#runId);
    } catch (problem) {
      this.composer.isStopping = false;
      this.#say(problem);
    }
  }

  async #follow(runId, answer) {
    const { signal } = this.#lifetime;
    const fold = new RunFold();
    const painter = new Painter(() => this.#keepingTheEnd(() => answer.showProgress(fold)));
    this.#setRun(runId);
    announce("The answer is being written.");
    let ending;
    try {
      answer.showProgress(fold);
      ending = await this.#readToEnd(runId, fold, answer, painter, signal);
    } catch (problem) {
      if (signal.aborted) return;
      ending = { status: "error", title: problem.title ?? "The answer could not be read to its end", detail: problem.detail ?? problem.message };
    } finally {
      painter.close();
    }
    if (signal.aborted) return;
    this.#setRun(null);
    await this.#keepingTheEnd(() => answer.showWhole(fold, ending));
    announce(OUTCOMES[ending.status] ?? "");
    this.onChanged();
  }

  /** The run's ending, once its text is known to be exactly what was sent: else it is read once more from the start. */
  async #readToEnd(runId, fold, answer, painter, signal) {
    const line = { signal, onChange: () => painter.request(), onLine: (state) => answer.showLine(state) };
    for (const isLast of [false, true]) {
      await followRun(runId, fold, line);
      if (await isWhole(fold.text, fold.end.text_sha256)) return { ...fold.end.error, status: fold.end.status };
      if (isLast) throw new RunDamaged("What arrived is not what was sent. Reload the page to read the stored answer.");
      fold.restart();
    }
    return null;
  }

  #setRun(runId) {
    this.#runId = runId;
    this.composer.isAnswering = runId !== null;
  }

  #showWelcome() {
    this.#turns.replaceChildren(welcome(this.projects, (text) => this.composer.fill(text)));
  }

  #showLoadFailure(problem) {
    const isGone = problem.status === 404 || problem.status === 422;
    const title = isGone ? "There is no such conversation" : problem.title;
    const detail = isGone ? "It was deleted, or it is not yours." : problem.detail;
    const again = button("Try again", { class: "primary", on: { click: () => this.open(this.id) } });
    this.#turns.replaceChildren(
      element("div", { class: "welcome" }, element("h1", {}, title), element("p", {}, detail ?? ""), isGone ? null : again));
    this.composer.block(isGone ? "Choose a conversation, or begin a new one" : "The conversation could not be loaded");
  }

  #onProjects() {
    this.composer.block(this.#refusal());
    const about = this.id === null ? this.projects.selected?.repo_name : this.#info?.repository;
    this.composer.scope.textContent = about ? `about ${about}` : "";
    if (this.#turns.querySelector(".welcome") && this.id === null) this.#showWelcomeOnce();
  }

  // The first page is shown anew only when it would say something else: a form must not lose what is being typed.
  #showWelcomeOnce() {
    const next = welcome(this.projects, (text) => this.composer.fill(text));
    const shown = this.#turns.querySelector(".welcome");
    if (next.dataset.says !== shown.dataset.says) shown.replaceWith(next);
  }

  #refusal() {
    if (!this.projects.isLoaded) return "Loading";
    if (this.id !== null) return "";
    const { selected } = this.projects;
    if (!selected) return "Add a repository first";
    if (selected.status === "ready") return "";
    if (selected.run_id) return `${selected.repo_name} is being indexed; you can ask in a moment`;
    return `${selected.repo_name} is not indexed: index it again, or choose another repository`;
  }

  /** Change the page; who was reading at the end still does afterwards. */
  async #keepingTheEnd(change) {
    const wasAtEnd = this.#isAtEnd();
    await change();
    if (wasAtEnd) this.#scrollToEnd();
    this.#onScroll();
  }

  #isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #scrollToEnd(behavior = "instant") {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior });
  }

  #onScroll() {
    this.#latest.hidden = this.#isAtEnd();
  }
}

/** Paints at most once a frame, however fast events come. */
class Painter {
  #frame = null;
  #paint;

  constructor(paint) {
    this.#paint = paint;
  }

  request() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#paint();
    });
  }

  close() {
    cancelAnimationFrame(this.#frame);
  }
}

function question(text) {
  return element("article", { class: "question", "aria-label": "Question" }, element("p", {}, text));
}

function lastQuestion(messages) {
  return messages.findLast((message) => message.type === "HUMAN")?.content ?? null;
}

/** A stored answer's `reason` as an ending: none, `cancelled`, or the error's title. */
function endingOf(reason) {
  if (!reason) return { status: "completed" };
  return reason === "cancelled" ? { status: "cancelled" } : { status: "error", title: reason };
}
