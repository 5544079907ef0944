/** What somebody is told who looks at another's conversation, and how they go on by themselves. */

import { button, element } from "./dom.js";

/** `onCopy()` makes a copy of one's own; a guest has `onSignIn()` instead. */
export class ReaderBar {
  #words = element("p");
  node = element("div", { class: "reader-bar", role: "note", hidden: true });

  constructor({ onCopy, onSignIn }) {
    const [label, deed] = onCopy ? ["Continue as a copy", onCopy] : ["Sign in", onSignIn];
    this.node.append(this.#words, button(label, { class: "quiet", on: { click: () => deed() } }));
  }

  /** Say what the reader of a conversation may do; nothing to its owner, and on the first page. */
  show(info) {
    this.node.hidden = !info || info.is_creator !== false;
    if (!this.node.hidden) this.#words.textContent = wordsFor(info);
  }
}

function wordsFor({ access_type: access, has_repositories: canAsk, repository }) {
  if (access === "read") return "This conversation is shared with you to look at.";
  if (!canAsk && !repository) return "This conversation is shared with you. Its repository was removed, so nothing more can be asked.";
  if (!canAsk) return "This conversation is shared with you. To ask in it you need its repository too: ask the owner.";
  return "This conversation is shared with you: what you ask here, others see.";
}
