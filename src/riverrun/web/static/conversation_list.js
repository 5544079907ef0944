/** The sidebar's conversations: one's own to open, rename and delete, and those of others to open. */

import * as api from "./api.js";
import { askText, confirm } from "./dialogs.js";
import { button, element, iconButton } from "./dom.js";
import { ago } from "./words.js";

const PAGE = 30;

/** `onOpen(id)` opens one; `onGone(id)` is told of a deleted one. A list of what others share is not there when it is empty. */
export class ConversationList {
  #list = element("ul", { class: "items" });
  #more = button("Show more", { class: "quiet more", hidden: true, on: { click: () => this.#showMore() } });
  #empty = element("p", { class: "empty" }, "Your questions will be kept here.");
  #conversations = [];
  #currentId = null;
  #size = PAGE;

  constructor({ onOpen, onGone, onRenamed, onProblem, isShared = false }) {
    Object.assign(this, { onOpen, onGone, onRenamed, onProblem, isShared });
    const id = isShared ? "shared-title" : "conversations-title";
    this.node = element(
      "section", { class: `group ${isShared ? "" : "grows"}`.trim(), "aria-labelledby": id, hidden: isShared },
      element("header", {}, element("h2", { id }, isShared ? "Shared with you" : "Conversations")),
      this.#list, this.#empty, this.#more,
    );
  }

  /** Read the list anew. */
  async load() {
    const found = await api.listConversations(0, this.#size + 1, this.isShared);
    this.#conversations = found.slice(0, this.#size);
    this.#more.hidden = found.length <= this.#size;
    this.#show();
  }

  /** Mark the conversation that is open. */
  mark(id) {
    this.#currentId = id;
    this.#show();
  }

  /** The title of a conversation in the list; null for others. */
  titleOf(id) {
    return this.#conversations.find((conversation) => conversation.id === id)?.title ?? null;
  }

  async #showMore() {
    this.#size = Math.min(99, this.#size + PAGE);
    await this.load().catch(this.onProblem);
  }

  #show() {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.#empty.hidden = this.#conversations.length > 0;
    this.node.hidden = this.isShared && this.#conversations.length === 0;
    this.#list.replaceChildren(...this.#conversations.map((conversation) => this.#row(conversation)));
    if (focused) this.#list.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  #row(conversation) {
    const { id, title, repository, updated_at: updatedAt } = conversation;
    const isCurrent = id === this.#currentId;
    const link = element(
      "a",
      {
        class: "item", href: `/c/${id}`, title, data: { key: id }, "aria-current": isCurrent ? "page" : null,
        on: { click: (event) => this.#onClick(event, id) },
      },
      element("span", { class: "name" }, title),
      element("span", { class: "words" }, [repository, ago(updatedAt)].filter(Boolean).join(" · ")),
    );
    const tools = element(
      "span", { class: "tools" },
      iconButton("Rename", "rename", { on: { click: () => this.#rename(conversation) } }),
      iconButton("Delete", "remove", { on: { click: () => this.#delete(conversation) } }),
    );
    return element("li", { class: isCurrent ? "current" : "" }, link, this.isShared ? null : tools);
  }

  #onClick(event, id) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.onOpen(id);
  }

  async #rename({ id, title }) {
    const chosen = await askText("Rename the conversation", title, "Rename");
    if (!chosen || chosen === title) return;
    await this.#attempt(async () => {
      await api.renameConversation(id, chosen);
      this.onRenamed(id, chosen);
    });
  }

  async #delete({ id, title }) {
    if (!(await confirm("Delete the conversation?", `“${title}” and its answers go for good.`, "Delete"))) return;
    await this.#attempt(async () => {
      await api.removeConversation(id);
      this.onGone(id);
    });
  }

  async #attempt(deed) {
    try {
      await deed();
      await this.load();
    } catch (problem) {
      this.onProblem(problem);
    }
  }
}
