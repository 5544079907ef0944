/** A cited place beside the answer: the file's lines as they were indexed. */

import * as api from "./api.js";
import { announce } from "./announce.js";
import { button, element, iconButton } from "./dom.js";
import { setServerHtml } from "./trusted_html.js";
import { count, placeName, projectName } from "./words.js";

const AROUND = 12;
const MORE = 60;
const MOST_CITED = 300;

const GONE = "This repository was removed, or it is not shared with you.";
const CHANGED = "The file is not in the index any more: it was changed or removed since this answer.";

/**
 * `projectOf(place)` finds the repository of a citation; `reloadProjects()` has it look at those that are left by now;
 * `onToggle(isOpen)` makes room. `heading` is where the keyboard belongs.
 */
export class SourcePanel {
  heading = element("h2", { tabindex: -1 });
  #words = element("p", { class: "words" });
  #note = element("p", { class: "note", hidden: true });
  #code = element("code");
  #body = element("pre", { class: "source", tabindex: 0, "aria-label": "Source lines" }, this.#code);
  #earlier = button("Earlier lines", { class: "quiet wide", on: { click: () => this.#showMore(-1) } });
  #later = button("Later lines", { class: "quiet wide", on: { click: () => this.#showMore(1) } });
  #opener = null;
  #place = null;
  #range = null;
  #reading = new AbortController();

  constructor({ projectOf, reloadProjects, onToggle }) {
    Object.assign(this, { projectOf, reloadProjects, onToggle });
    const close = iconButton("Close", "close", { on: { click: () => this.close() } });
    this.node = element(
      "aside", { class: "panel", "aria-label": "Source", hidden: true, on: { keydown: (event) => this.#onKey(event) } },
      element("header", {}, element("div", { class: "heading" }, this.heading, this.#words), close),
      element("div", { class: "panel-body" }, this.#note, this.#earlier, this.#body, this.#later),
    );
  }

  get isOpen() {
    return !this.node.hidden;
  }

  /** Show a place; closing gives the focus back to `opener`. */
  async open(place, opener) {
    this.#place = place;
    this.#opener?.removeAttribute("aria-current");
    this.#opener = opener;
    opener?.setAttribute("aria-current", "true");
    this.heading.textContent = placeName(place);
    this.node.hidden = false;
    this.onToggle(true);
    opener?.scrollIntoView({ block: "nearest" });
    const last = Math.min(place.end_line, place.start_line + MOST_CITED);
    this.#range = [Math.max(1, place.start_line - AROUND), last + AROUND];
    this.heading.focus({ preventScroll: true });
    if (await this.#read()) this.#scrollToPlace();
  }

  /** Hide the panel; the reader is back where they opened it. */
  close() {
    if (!this.isOpen) return;
    this.#reading.abort();
    this.node.hidden = true;
    this.#opener?.removeAttribute("aria-current");
    this.onToggle(false);
    if (this.#opener?.isConnected) this.#opener.focus();
  }

  async #read() {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    const project = this.projectOf(this.#place);
    if (!project) return this.#fail(GONE);
    try {
      const file = await api.readFile(project.id, this.#place.path, ...this.#range, signal);
      if (!signal.aborted) this.#show(file, project);
      return !signal.aborted;
    } catch (problem) {
      const words = problem.status === 404 ? await this.#whyNotThere() : problem.message;
      return !signal.aborted && this.#fail(words);
    }
  }

  // The file alone may be gone, or the repository with it: somebody may have removed it elsewhere.
  async #whyNotThere() {
    await this.reloadProjects().catch(() => {});
    return this.projectOf(this.#place) ? CHANGED : GONE;
  }

  #show(file, project) {
    this.#range = [file.start_line, file.end_line];
    const commit = file.commit ? ` · commit ${file.commit.slice(0, 10)}` : "";
    this.#words.textContent = `${projectName(project)}${commit} · ${count(file.total_lines, "line")}`;
    const isChanged = Boolean(this.#place.blob && file.blob !== this.#place.blob);
    this.#say(isChanged ? "The file has changed since this answer: the lines may have moved." : "");
    setServerHtml(this.#code, file.html);
    for (const line of this.#code.querySelectorAll(".line")) {
      const number = Number(line.dataset.line);
      line.classList.toggle("cited", number >= this.#place.start_line && number <= this.#place.end_line);
    }
    this.#body.hidden = false;
    this.#earlier.hidden = file.start_line <= 1;
    this.#later.hidden = file.end_line >= file.total_lines;
    announce(`${placeName(this.#place)} is open.`);
  }

  #fail(words) {
    this.#say(words);
    this.#words.textContent = "";
    for (const node of [this.#body, this.#earlier, this.#later]) node.hidden = true;
    return false;
  }

  #say(words) {
    this.#note.textContent = words;
    this.#note.hidden = !words;
  }

  async #showMore(direction) {
    const [first, last] = this.#range;
    const heightBefore = this.#code.scrollHeight;
    this.#range = direction < 0 ? [Math.max(1, first - MORE), last] : [first, last + MORE];
    const isRead = await this.#read();
    const scroller = this.node.querySelector(".panel-body");
    if (isRead && direction < 0) scroller.scrollTop += this.#code.scrollHeight - heightBefore;
  }

  #scrollToPlace() {
    const line = this.#code.querySelector(".cited");
    const scroller = this.node.querySelector(".panel-body");
    if (line) scroller.scrollTop += line.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 90;
  }

  #onKey(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  }
}
