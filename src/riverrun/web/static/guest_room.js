/** The page of somebody without an account who holds a link: one conversation, to look at. */

import { element } from "./dom.js";
import { NARROW, regainFocus } from "./focus.js";
import { SourcePanel } from "./source_panel.js";
import { TabStream } from "./tab_stream.js";
import { Thread } from "./thread.js";
import { readable } from "./words.js";

/** A guest may look into no repository. */
class NoProjects extends EventTarget {
  isLoaded = true;
  selected = null;

  named() {
    return null;
  }
}

/** The one conversation; `onSignIn()` leads to the door. */
export class GuestRoom {
  #title = element("h1", { class: "title" }, "Riverrun");
  #listeners = new AbortController();

  constructor(id, { onSignIn }) {
    this.id = id;
    this.panel = new SourcePanel({
      projectOf: () => null,
      onToggle: (isOpen) => this.#onPanel(isOpen),
    });
    this.thread = new Thread({
      stream: new TabStream(),
      projects: new NoProjects(),
      panel: this.panel,
      onBegun: () => {},
      onChanged: () => {},
      onTitle: (title) => this.#showTitle(title),
      onProblem: () => NARROW.matches && this.panel.close(),
      onSignIn,
    });
    const wordmark = element("a", { href: "/", class: "wordmark" }, "Riverrun");
    this.middle = element("div", { class: "middle" }, element("header", { class: "topbar" }, wordmark, this.#title), this.thread.node);
    this.node = element("div", { class: "workspace guest-room" }, this.middle, this.panel.node);
    NARROW.addEventListener("change", () => this.#onWidth(), { signal: this.#listeners.signal });
  }

  start() {
    return this.thread.open(this.id);
  }

  /** Stop following and listening. */
  close() {
    this.#listeners.abort();
    this.thread.open(null);
  }

  #onPanel(isOpen) {
    this.node.classList.toggle("with-panel", isOpen);
    this.#shutCovered();
  }

  #onWidth() {
    this.#shutCovered();
    if (this.panel.isOpen) regainFocus(this.panel.heading);
  }

  // On a small screen the panel covers the conversation: out of sight is out of reach.
  #shutCovered() {
    this.middle.inert = NARROW.matches && this.panel.isOpen;
  }

  #showTitle(title) {
    const told = title && readable(title);
    this.#title.textContent = told ?? "Riverrun";
    document.title = told ? `${told} · Riverrun` : "Riverrun";
  }
}
