/** The conversation in the middle: its turns, the ask box, and the answer that is being written. */

import * as api from "./api.js";
import { announce } from "./announce.js";
import { Composer } from "./composer.js";
import { button, element } from "./dom.js";
import { EndKeeper } from "./end_keeper.js";
import { RunFold } from "./fold.js";
import { isWhole } from "./integrity.js";
import { onceAtATime } from "./once_at_a_time.js";
import { Painter } from "./painter.js";
import { ReaderBar } from "./reader_bar.js";
import { copyConversation } from "./sharing_api.js";
import { RunDamaged } from "./tab_stream.js";
import { Turns } from "./turns.js";
import { welcome } from "./welcome.js";

const OUTCOMES = { completed: "The answer is complete.", cancelled: "The answer was stopped.", error: "The answer failed." };

/**
 * `stream` is the tab's one connection to its runs; `panel` shows citations; `onBegun(id)` is told of a new conversation,
 * `onChanged()` when the list is out of date, `onTitle(title)` of the title, null on the first page; `onCopied(id)` of
 * a copy that was made. Guests have `onSignIn()` instead.
 */
export class Thread {
  id = null;
  #info = null;
  #lifetime = new AbortController();
  #runId = null;
  #unsent = null;
  #notice = element("div", { class: "toast", role: "alert", hidden: true });

  constructor({ stream, projects, panel, onBegun, onChanged, onTitle, onCopied, onSignIn }) {
    Object.assign(this, { stream, projects, panel, onBegun, onChanged, onTitle, onCopied });
    this.reader = new ReaderBar(onSignIn ? { onSignIn } : { onCopy: () => this.#copy() });
    this.composer = new Composer({ onAsk: (text) => this.#ask(text), onStop: () => this.#stop() });
    this.turns = new Turns({
      openPlace: (place, opener) => panel.open(place, opener),
      askAgain: (text) => this.#ask(text),
      regenerate: onceAtATime(() => this.#regenerate()),
      watch: (runId, answer) => this.#watch(runId, answer),
      onProblem: (problem) => this.showProblem(problem),
    });
    this.end = new EndKeeper(this.turns.node);
    const dock = element("div", { class: "dock" }, this.end.button, this.#notice, this.reader.node, this.composer.node);
    this.node = element("main", { id: "main", tabindex: -1 }, this.end.scroller, dock);
    projects.addEventListener("change", () => this.#onProjects());
  }

  /** The repositories that the conversation is about. */
  get projectIds() {
    return this.#info?.project_ids ?? [];
  }

  /** The conversation that is shown, as the server tells of it; null on the first page. */
  get info() {
    return this.#info;
  }

  /** Show a conversation, or the first page for null. A run that is under way is followed from its beginning. */
  async open(id) {
    this.#lifetime.abort();
    this.#lifetime = new AbortController();
    const { signal } = this.#lifetime;
    this.id = id;
    this.#info = null;
    this.#setRun(null);
    this.#showRights();
    this.showProblem(null);
    this.panel.close();
    this.turns.replace(...(id === null ? [this.#welcome()] : []));
    this.#onProjects();
    this.onTitle(null);
    if (id === null) return;
    try {
      await this.#load(id, signal);
    } catch (problem) {
      if (!signal.aborted) this.#showLoadFailure(problem);
    }
  }

  /** Words over the ask box until the next question; null takes them away. */
  showProblem(problem) {
    this.#notice.hidden = !problem;
    if (!problem) return;
    const title = element("strong", {}, `${problem.title ?? "Something went wrong"}. `);
    this.#notice.replaceChildren(
      element("p", {}, title, problem.detail ?? problem.message),
      button("Dismiss", { class: "quiet", on: { click: () => this.showProblem(null) } }),
    );
  }

  setTitle(title) {
    if (this.#info) this.#info.title = title;
    this.onTitle(title);
  }

  async #load(id, signal) {
    this.#info = await api.conversationInfo(id, signal);
    this.#showRights();
    this.onTitle(this.#info.title);
    this.#onProjects();
    const waiting = await this.turns.load(this.#info, signal);
    if (signal.aborted) return;
    this.end.goToEnd();
    if (waiting) this.#follow(waiting.run_id, this.turns.appendAnswer(waiting.content));
    else if (this.#info.run_id) this.#followAgain(this.#info.run_id);
  }

  /** Who may only look is offered nothing that would be refused. */
  #showRights() {
    this.reader.show(this.#info);
    this.node.classList.toggle("read-only", this.#info?.access_type === "read");
  }

  async #copy() {
    try {
      const { conversation_id: id } = await copyConversation(this.id);
      this.onCopied(id);
    } catch (problem) {
      this.showProblem(problem);
    }
  }

  #showLoadFailure(problem) {
    const isGone = problem.status === 404 || problem.status === 422;
    const title = isGone ? "There is no such conversation" : problem.title;
    const detail = isGone ? "It was deleted, or it is not shared with you (any more)." : problem.detail;
    const again = button("Try again", { class: "primary", on: { click: () => this.open(this.id) } });
    this.turns.replace(
      element("div", { class: "welcome" }, element("h1", {}, title), element("p", {}, detail ?? ""), isGone ? null : again));
    this.composer.block(isGone ? "Choose a conversation, or begin a new one" : "The conversation could not be loaded");
  }

  /** Post a question; true once the server has it. What was not taken stays in the box, and keeps its key. */
  async #ask(text) {
    if (this.#runId) return false;
    this.showProblem(null);
    const { signal } = this.#lifetime;
    if (this.#unsent?.text !== text || this.#unsent.id !== this.id) this.#unsent = { text, key: api.newKey(), id: this.id };
    const unsent = this.#unsent;
    try {
      unsent.id ??= await this.#begin(signal);
      const receipt = await api.postMessage(unsent.id, text, unsent.key);
      if (this.#unsent === unsent) this.#unsent = null;
      if (!signal.aborted) this.#showAsked(text, receipt);
      this.onChanged();
      return true;
    } catch (problem) {
      if (signal.aborted) return false;
      if (problem.status === 409) await this.open(this.id);
      this.showProblem(problem);
      return false;
    }
  }

  /** A new conversation. It takes the question also when the person has opened another one meanwhile. */
  async #begin(signal) {
    const project = this.projects.selected;
    const { conversation_id: id } = await api.createConversation(project.id);
    if (signal.aborted) return id;
    this.#info = { id, project_ids: [project.id], repository: project.repo_name, title: null, is_creator: true };
    this.id = id;
    this.onBegun(id);
    return id;
  }

  #showAsked(text, { run_id: runId, message_id: questionId }) {
    this.turns.node.querySelector(".welcome")?.remove();
    const answer = this.turns.append(text, questionId);
    this.end.goToEnd();
    this.#follow(runId, answer);
  }

  async #regenerate() {
    if (this.#runId) return;
    this.showProblem(null);
    const { id } = this;
    const { signal } = this.#lifetime;
    try {
      const isUpToDate = await this.turns.isUpToDate(id, signal);
      if (signal.aborted) return;
      if (!isUpToDate) return await this.#catchUp();
      const { run_id: runId } = await api.regenerate(id, api.newKey());
      if (!signal.aborted) this.#followAgain(runId);
    } catch (problem) {
      if (!signal.aborted) this.showProblem(problem);
    }
  }

  async #catchUp() {
    await this.open(this.id);
    const detail = "More was asked in it elsewhere: here it is. Nothing was regenerated.";
    this.showProblem({ title: "This conversation has gone on", detail });
  }

  /** The old answer stays in sight until the new one is whole. */
  async #followAgain(runId) {
    const { signal } = this.#lifetime;
    const answer = this.turns.appendAnswer(null);
    this.end.goToEnd();
    const ending = await this.#follow(runId, answer);
    if (ending?.status !== "completed") return;
    await this.turns.settle(this.id, answer, signal).catch((problem) => signal.aborted || this.showProblem(problem));
  }

  async #stop() {
    if (!this.#runId) return;
    this.composer.isStopping = true;
    try {
      await api.stopRun(this.#runId);
    } catch (problem) {
      this.composer.isStopping = false;
      this.showProblem(problem);
    }
  }

  /** Show the run of the newest answer to its end; how it ended, or null when nobody looks any more. */
  async #follow(runId, answer) {
    this.#setRun(runId);
    announce("The answer is being written.");
    const ending = await this.#watch(runId, answer, () => this.#setRun(null));
    if (ending) announce(OUTCOMES[ending.status] ?? "");
    if (ending) this.onChanged();
    return ending;
  }

  /** Show a run to its end; `onEnd()` is told before the whole is rendered. */
  async #watch(runId, answer, onEnd = () => {}) {
    const { signal } = this.#lifetime;
    const fold = new RunFold();
    answer.showProgress(fold);
    const ending = await this.#readToEnd(runId, fold, answer, signal);
    if (signal.aborted) return null;
    onEnd();
    await answer.showWhole(fold, ending);
    return ending;
  }

  /** The run's ending, or why it could not be read. */
  async #readToEnd(runId, fold, answer, signal) {
    const painter = new Painter(() => answer.showProgress(fold));
    const line = { signal, onChange: () => painter.request(), onLine: (state) => answer.showLine(state) };
    try {
      await this.#readExactly(runId, fold, line);
      return { ...fold.end.error, status: fold.end.status };
    } catch (problem) {
      const { title = "The answer could not be read to its end", detail = problem.message } = problem;
      return { status: "error", title, detail };
    } finally {
      painter.close();
    }
  }

  /** Follow the run; where the text is not exactly what was sent, once more from the start. */
  async #readExactly(runId, fold, line) {
    await this.stream.follow(runId, fold, line);
    if (await isWhole(fold.text, fold.end.text_sha256)) return;
    fold.restart();
    await this.stream.follow(runId, fold, line);
    if (await isWhole(fold.text, fold.end.text_sha256)) return;
    throw new RunDamaged("What arrived is not what was sent. Reload the page to read the stored answer.");
  }

  #setRun(runId) {
    this.#runId = runId;
    this.composer.isAnswering = runId !== null;
  }

  #onProjects() {
    this.composer.block(this.#refusal());
    const about = this.id === null ? this.projects.selected?.repo_name : this.#info?.repository;
    this.composer.scope.textContent = about ? `about ${about}` : "";
    if (this.id === null) this.#refreshWelcome();
  }

  #welcome() {
    return welcome(this.projects, (text) => this.composer.fill(text));
  }

  // Shown anew only when it would say something else: a form must not lose what is being typed into it.
  #refreshWelcome() {
    const shown = this.turns.node.querySelector(".welcome");
    const next = this.#welcome();
    if (shown && next.dataset.says !== shown.dataset.says) shown.replaceWith(next);
  }

  #refusal() {
    if (!this.projects.isLoaded) return "Loading";
    if (this.id !== null && this.#info?.has_repositories !== false) return "";
    if (this.id !== null) return this.#info.repository ? "To ask here you need the repository" : "The repository was removed";
    const { selected } = this.projects;
    if (!selected) return "Add a repository first";
    if (selected.status === "ready") return "";
    if (selected.run_id) return `${selected.repo_name} is being indexed; you can ask in a moment`;
    return `${selected.repo_name} is not indexed: index it again, or choose another repository`;
  }
}
