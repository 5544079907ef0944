/** Words over the ask box about what went wrong, until they are dismissed or hold no more. */

import { button, element } from "./dom.js";

/** `onShow()` is told before words come, so that nothing covers them; `onClosed()` when those that the keyboard was on are gone. */
export class Notice {
  node = element("div", { class: "toast", role: "alert", hidden: true });
  #isAboutRun = false;

  constructor({ onShow, onClosed }) {
    Object.assign(this, { onShow, onClosed });
  }

  /** Say what the problem is; null takes the words away. */
  show(problem) {
    if (problem) this.onShow();
    const hadFocus = this.node.contains(document.activeElement);
    this.node.hidden = !problem;
    this.#isAboutRun = Boolean(problem?.runId);
    if (problem) this.node.replaceChildren(...this.#wordsFor(problem));
    if (hadFocus) this.onClosed();
  }

  /** The run is over: that it was in the way is true no more. */
  endRun() {
    if (this.#isAboutRun) this.show(null);
  }

  #wordsFor({ title = "Something went wrong", detail, message }) {
    return [
      element("p", {}, element("strong", {}, `${title}. `), detail ?? message),
      button("Dismiss", { class: "quiet", on: { click: () => this.show(null) } }),
    ];
  }
}
