/** The conversation in the middle: its turns, the ask box, and the answer that is being written. */

import * as api from "./api.js";
import { announce } from "./announce.js";
import { Composer } from "./composer.js";
import { button, element } from "./dom.js";
import { EndKeeper } from "./end_keeper.js";
import { regainFocus } from "./focus.js";
import { RunFold } from "./fold.js";
import { failurePage, wordsOf } from "./load_failure.js";
import { Notice } from "./notice.js";
import { onceAtATime } from "./once_at_a_time.js";
import { readLater } from "./read_later.js";
import { ReaderBar, whyNotAsk } from "./reader_bar.js";
import { readToEnd } from "./run_reader.js";
import { copyConversation } from "./sharing_api.js";
import { Turns } from "./turns.js";
import { refreshWelcome, welcome, whyNotYet } from "./welcome.js";

const OUTCOMES = { completed: "The answer is complete.", cancelled: "The answer was stopped.", error: "The answer failed." };

/**
 * `stream` is the tab's one connection to its runs; `panel` shows citations; `onBegun(id)` is told of a new conversation,
 * `onChanged()` when the list is out of date, `onTitle(title)` of the title, null on the first page; `onProblem()`
 * before words about a failure come; `onCopied(id)` of a copy that was made. Guests have `onSignIn()` instead.
 */
export class Thread {
  id = null;
  #info = null;
  #lifetime = new AbortController();
  #runId = null;
  #unsent = null;
  #failure = "";
  #notice = new Notice({ onShow: () => this.onProblem(), onClosed: () => this.composer.takeFocus() });

  constructor({ stream, projects, panel, onBegun, onChanged, onTitle, onProblem, onCopied, onSignIn }) {
    Object.assign(this, { stream, projects, panel, onBegun, onChanged, onTitle, onProblem, onCopied });
    this.reader = new ReaderBar(onSignIn ? { onSignIn } : { onCopy: () => this.#copy() });
    this.composer = new Composer({ onAsk: (text) => this.#ask(text), onStop: () => this.#stop() });
    this.turns = new Turns({
      openPlace: (place, opener) => panel.open(place, opener),
      askAgain: (text) => this.#ask(text),
      regenerate: onceAtATime(() => this.#regenerate()),
      watch: (runId, answer) => this.#watch(runId, answer),
      namesRepos: () => this.projectIds.length > 1,
      onProblem: (problem) => this.showProblem(problem),
    });
    this.end = new EndKeeper(this.turns.node);
    const dock = element("div", { class: "dock" }, this.end.button, this.#notice.node, this.reader.node, this.composer.node);
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
    this.#failure = "";
    this.#setRun(null);
    this.#showRights();
    this.showProblem(null);
    this.panel.close();
    this.turns.replace(...(id === null ? [this.#welcome()] : []));
    this.#onProjects();
    this.onTitle(null);
    if (id === null) return;
    await this.#load(id, signal).catch((problem) => signal.aborted || this.#showLoadFailure(problem, signal));
  }

  /** Words over the ask box until the next question; null takes them away. */
  showProblem(problem) {
    this.#notice.show(problem);
  }

  setTitle(title) {
    if (this.#info) this.#info.title = title;
    this.onTitle(title);
  }

  async #load(id, signal) {
    this.#info = await api.conversationInfo(id, signal);
    this.#showRights();
    this.onTitle(this.#info.title);
    const waiting = await this.turns.load(this.#info, signal);
    if (signal.aborted) return;
    this.#failure = "";
    this.#onProjects();
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

  /** What may succeed a moment later is tried again, as the lists are, also when nobody presses the button. */
  #showLoadFailure(problem, signal) {
    const again = button("Try again", { class: "primary", on: { click: () => this.#reopen() } });
    const words = wordsOf(problem);
    this.#failure = words.refusal;
    this.turns.replace(failurePage(words, again));
    this.#onProjects();
    if (problem.isPassing) readLater(() => this.#loadAfter(again, signal), signal);
  }

  async #loadAfter(again, signal) {
    const hadFocus = document.activeElement === again;
    await this.#load(this.id, signal);
    if (hadFocus && !signal.aborted) this.composer.takeFocus();
  }

  /** Show the conversation as it is by now. Who is at the ask box stays there. */
  async #reopen() {
    const { activeElement: focused } = document;
    await this.open(this.id);
    if (!focused.isConnected) this.composer.takeFocus();
    else if (focused !== document.body) regainFocus(focused);
  }

  /** What is in the way of a deed is shown too; the words about a run go with it, and those about what is gone. */
  async #showRefusal(problem) {
    const isStale = problem.status === 409 || (problem.status === 404 && this.id !== null);
    if (isStale) await this.#reopen();
    if (isStale && this.#failure) return;
    if (!problem.runId || this.#runId) this.showProblem(problem);
  }

  /** Post a question; true once the server has it. What was not taken stays in the box, and keeps its key. */
  async #ask(text) {
    if (this.#runId) return false;
    this.showProblem(null);
    const { signal } = this.#lifetime;
    if (this.#unsent?.text !== text || this.#unsent.id !== this.id) this.#unsent = { text, key: api.newKey(), id: this.id };
    const unsent = this.#unsent;
    try {
      const isFirst = unsent.id === null;
      unsent.id ??= await this.#begin(signal);
      const receipt = await api.postMessage(unsent.id, text, unsent.key);
      if (this.#unsent === unsent) this.#unsent = null;
      if (!isFirst) this.#showMissed(unsent.id, receipt, signal);
      if (!signal.aborted) this.#showAsked(text, receipt);
      this.onChanged();
      return true;
    } catch (problem) {
      if (!signal.aborted) await this.#showRefusal(problem);
      return false;
    }
  }

  /** A new conversation. It takes the question also when the person has opened another one meanwhile. */
  async #begin(signal) {
    const project = this.projects.selected;
    const id = await this.projects.beginConversation(project);
    if (signal.aborted) return id;
    this.#info = { id, project_ids: [project.id], repositories: [project.repo_name], title: null, is_creator: true };
    this.id = id;
    this.onBegun(id);
    return id;
  }

  /** What somebody asked elsewhere before this question is not on the page yet: it is seldom, so nobody waits for it. */
  async #showMissed(id, { message_id: questionId }, signal) {
    const isNext = await this.turns.isNext(id, questionId, signal).catch(() => true);
    if (!isNext && !signal.aborted) await this.#reopen();
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
      if (signal.aborted) return;
      this.#followAgain(runId);
      regainFocus(this.composer.action);
    } catch (problem) {
      if (!signal.aborted) await this.#showRefusal(problem);
    }
  }

  async #catchUp() {
    await this.#reopen();
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
    const runId = this.#runId;
    if (!runId) return;
    this.composer.isStopping = true;
    try {
      await api.stopRun(runId);
    } catch (problem) {
      if (this.#runId !== runId) return;
      this.composer.isStopping = false;
      await this.#showRefusal(Object.assign(problem, { runId }));
    }
  }

  /** Show the run of the newest answer to its end; how it ended, or null when nobody looks any more. */
  async #follow(runId, answer) {
    this.#setRun(runId);
    announce("The answer is being written.");
    const ending = await this.#watch(runId, answer, () => this.#setRun(null));
    if (!ending) return null;
    announce(OUTCOMES[ending.status] ?? "");
    this.#notice.endRun();
    this.composer.handOn(answer.node.querySelector(".again"));
    this.onChanged();
    if (ending.isGone || ending.status === "cancelled") await this.#reopenIfDeleted(this.#lifetime);
    return ending;
  }

  /** Show a run to its end; `onEnd()` is told before the whole is rendered. */
  async #watch(runId, answer, onEnd = () => {}) {
    const { signal } = this.#lifetime;
    const fold = new RunFold();
    answer.showProgress(fold);
    const ending = await readToEnd(this.stream, runId, fold, answer, signal);
    if (signal.aborted) return null;
    onEnd();
    await answer.showWhole(fold, ending);
    return signal.aborted ? null : ending;
  }

  /** Who deletes a conversation elsewhere stops its run; one that is not there any more may be gone alone. */
  #reopenIfDeleted({ signal }) {
    return api.conversationInfo(this.id, signal).catch(({ status }) => status === 404 && !signal.aborted && this.#reopen());
  }

  #setRun(runId) {
    this.#runId = runId;
    this.composer.isAnswering = runId !== null;
  }

  #onProjects() {
    this.composer.block(this.#refusal());
    const chosen = this.projects.selected?.repo_name ?? [];
    this.composer.about = this.id === null ? [chosen].flat() : (this.#info?.repositories ?? []);
    if (this.id === null) refreshWelcome(this.turns.node, this.#welcome());
  }

  #welcome() {
    return welcome(this.projects, (text) => this.composer.fill(text));
  }

  #refusal() {
    if (this.#failure) return this.#failure;
    if (!this.projects.isLoaded) return "Loading";
    if (this.id !== null) return this.#info?.has_repositories === false ? whyNotAsk(this.#info) : "";
    const { selected } = this.projects;
    return selected ? whyNotYet(selected) : "Add a repository first";
  }
}
