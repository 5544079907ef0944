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

/** Why nothing can be asked in a conversation whose repositories are not all of the reader's to see, or are all gone. */
export function whyNotAsk({ repositories, project_ids: ids }) {
  if (repositories.length) return `To ask here you need the ${repositoryWord(repositories)}`;
  return `The ${repositoryWord(ids)} ${ids.length > 1 ? "were" : "was"} removed`;
}

function wordsFor({ access_type: access, has_repositories: canAsk, repositories, project_ids: ids }) {
  if (access === "read") return "This conversation is shared with you to look at.";
  if (canAsk) return "This conversation is shared with you: what you ask here, others see.";
  const shared = "This conversation is shared with you.";
  if (repositories.length) return `${shared} To ask in it you need its ${repositoryWord(repositories)} too: ask the owner.`;
  return `${shared} Its ${repositoryWord(ids)} ${ids.length > 1 ? "were" : "was"} removed, so nothing more can be asked.`;
}

function repositoryWord({ length }) {
  return length > 1 ? "repositories" : "repository";
}
