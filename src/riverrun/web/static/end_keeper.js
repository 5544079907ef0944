/** A scrolled region whose reader, once at the end, stays at the end while it grows. */

import { element, icon } from "./dom.js";

const NEAR_PX = 100;

/** `scroller` holds `content`; `button` leads back to the end and shows itself when it is needed. */
export class EndKeeper {
  #isAtEnd = true;
  #top = 0;

  constructor(content) {
    this.scroller = element("div", { class: "scroller", on: { scroll: () => this.#look() } }, content);
    this.button = element(
      "button", { type: "button", class: "latest", hidden: true, on: { click: () => this.goToEnd() } },
      icon("bottom"), "Latest");
    new ResizeObserver(() => this.#onResize()).observe(content);
  }

  /** Go to the end, and stay there. */
  goToEnd() {
    this.#isAtEnd = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
  }

  #onResize() {
    if (this.#isAtEnd) this.goToEnd();
    this.#look();
  }

  // Only going up leaves the end: content may have grown since the scrolling that an event tells of.
  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (isNear || scrollTop < this.#top) this.#isAtEnd = isNear;
    this.#top = scrollTop;
    this.button.hidden = this.#isAtEnd;
  }
}
