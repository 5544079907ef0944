/** One answer on the page: while it is written, and when it is done. */

import { Activity } from "./activity.js";
import { openCode, splitBlocks } from "./blocks.js";
import { button, element, iconButton } from "./dom.js";
import { citationButton, copyButton, linkCitations, showMarkdown } from "./prose.js";
import { readable, readableCode } from "./words.js";

const LINE_WORDS = {
  lost: "The connection is lost. The answer goes on; it will continue here once the server can be reached.",
  restarting: "The server is restarting. The answer will continue here.",
};

/**
 * `openPlace(place, button)` shows a citation; `askAgain()` repeats the question; `regenerate()` has it answered again,
 * which is offered under the last answer; `namesRepos()` says whether a path alone does not say which file is meant.
 */
export class Answer {
  #activity = new Activity();
  #open = element("pre", { class: "plain open", hidden: true });
  #prose = element("div", { class: "prose" }, this.#open);
  #waiting = element("p", { class: "waiting" });
  #notice = element("p", { class: "notice", hidden: true });
  #outcome = element("div", { class: "outcome" });
  #sources = element("div", { class: "sources" });
  #siblings = element("div", { class: "siblings" });
  #blocks = [];
  #rendering = Promise.resolve();
  #isWhole = false;

  constructor({ openPlace, askAgain, regenerate, namesRepos }) {
    const again = button("Regenerate", { icon: "refresh", class: "quiet again", on: { click: () => regenerate() } });
    this.citations = [];
    this.openPlace = openPlace;
    this.askAgain = askAgain;
    this.namesRepos = namesRepos;
    this.node = element(
      "article", { class: "answer", "aria-label": "Answer" },
      this.#activity.node, this.#prose, this.#waiting, this.#notice, this.#outcome, this.#sources,
      element("div", { class: "answer-foot" }, this.#siblings, again),
    );
  }

  /** Show a run that is under way: closed blocks rendered, the open one as plain text. */
  showProgress(fold) {
    this.node.setAttribute("aria-busy", "true");
    this.node.classList.add("writing");
    this.#activity.update(fold.tools, fold.thinking);
    const { closed, open } = splitBlocks(fold.text);
    this.#showClosed(closed);
    this.#showOpen(open);
    this.#waiting.hidden = Boolean(fold.text);
    this.#waiting.textContent = fold.isStarted ? "Reading the code" : "Waiting for a free worker";
    if (fold.citations.length !== this.citations.length) linkCitations(this.#prose, fold.citations, this.openPlace);
    this.citations = fold.citations;
  }

  /** Say how the line to the server is; nothing while it is live. */
  showLine(state) {
    this.#notice.textContent = LINE_WORDS[state] ?? "";
    this.#notice.hidden = !(state in LINE_WORDS);
  }

  /**
   * Show the whole. `ending` is `{status}`, for an error with `title` and `detail`; the plain text stays where the
   * server cannot render it.
   */
  async showWhole({ text, thinking, tools, citations }, ending) {
    this.node.removeAttribute("aria-busy");
    this.#waiting.hidden = true;
    this.showLine("live");
    this.#activity.update(tools, thinking ?? "");
    this.citations = citations;
    this.#showOutcome(ending);
    this.#showSources(text);
    const whole = element("div", { class: "plain" }, readable(text));
    if (!this.#prose.textContent) this.#prose.replaceChildren(whole);
    this.#isWhole = true;
    await this.#rendering;
    await this.#render(whole, text);
    this.#prose.replaceChildren(whole);
    this.#blocks = [];
    this.node.classList.remove("writing");
  }

  /** Offer the other answers to the question. This is number `place` of `count`; `onMove(place)` is asked for another. */
  showSiblings(place, count, onMove) {
    const step = (label, iconName, to) =>
      iconButton(label, iconName, { disabled: to < 1 || to > count, on: { click: () => onMove(to) } });
    this.#siblings.replaceChildren(
      step("Previous answer", "previous", place - 1),
      element("span", {}, `${place} / ${count}`),
      step("Next answer", "next", place + 1),
    );
  }

  #showOpen(open) {
    const code = openCode(open);
    this.#open.textContent = code === null ? readable(open.trimEnd()) : readableCode(code);
    this.#open.classList.toggle("code", code !== null);
    this.#open.hidden = !open;
  }

  #showClosed(closed) {
    const firstChanged = closed.findIndex((text, index) => this.#blocks[index]?.text !== text);
    const keep = firstChanged === -1 ? closed.length : firstChanged;
    for (const block of this.#blocks.splice(keep)) block.node.remove();
    for (const text of closed.slice(keep)) this.#appendBlock(text);
  }

  #appendBlock(text) {
    const node = element("div", { class: "plain" }, readable(text.trimEnd()));
    this.#blocks.push({ text, node });
    this.#open.before(node);
    this.#rendering = this.#rendering.then(async () => {
      // Blocks that still wait when the answer ends are not rendered one by one: the whole is, at once.
      if (this.#isWhole || !this.#prose.contains(node)) return;
      await this.#render(node, text);
    });
  }

  #render(node, text) {
    return showMarkdown(node, text, () => linkCitations(node, this.citations, this.openPlace));
  }

  #showOutcome({ status, title, detail }) {
    this.#outcome.replaceChildren();
    if (status === "cancelled") {
      this.#outcome.append(element("p", { class: "stopped" }, "Stopped. What was written until then is kept."));
    }
    if (status === "error") {
      this.#outcome.append(
        element(
          "div", { class: "failure", role: "alert" },
          element("p", { class: "failure-title" }, title || "The answer could not be finished"),
          detail ? element("p", {}, detail) : null,
          this.askAgain ? button("Ask again", { class: "quiet", on: { click: () => this.askAgain() } }) : null,
        ),
      );
    }
  }

  #showSources(text) {
    const chips = this.citations.map((place) => element("li", {}, citationButton(place, this.openPlace, this.namesRepos())));
    this.#sources.replaceChildren();
    if (chips.length) {
      this.#sources.append(
        element("h3", {}, "Sources"), element("ul", { class: "chips", "aria-label": "Sources" }, ...chips));
    }
    if (text) this.#sources.append(copyButton("Copy the answer", () => text));
  }
}
