/** The sidebar's conversations: one's own to open, rename and delete, and those of others to open. */

import * as api from "./api.js";
import { askText, confirm } from "./dialogs.js";
import { button, element, iconButton } from "./dom.js";
import { ago, allNames, names, readable } from "./words.js";

const PAGE = 30;
const MOST_AT_ONCE = 100;

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
    const size = this.#size;
    const found = await this.#newest(size + 1);
    this.#conversations = found.slice(0, size);
    this.#more.hidden = found.length <= size;
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
    const before = this.#conversations.length;
    this.#size = before + PAGE;
    await this.load().catch(this.onProblem);
    if (this.#more.hidden) this.#focus(this.#conversations[before]?.id);
  }

  // In as many requests as it takes. What is used between two of them moves the others down, and one comes twice.
  async #newest(count) {
    const found = new Map();
    for (let start = 0; start < count; start += MOST_AT_ONCE) {
      const limit = Math.min(MOST_AT_ONCE, count - start);
      const page = await api.listConversations(start, limit, this.isShared);
      for (const conversation of page) found.set(conversation.id, conversation);
      if (page.length < limit) break;
    }
    return [...found.values()];
  }

  #show() {
    const { activeElement: focused } = document;
    const id = this.#list.contains(focused) ? focused.closest("li").dataset.id : null;
    this.#empty.hidden = this.#conversations.length > 0;
    this.node.hidden = this.isShared && this.#conversations.length === 0;
    this.#list.replaceChildren(...this.#conversations.map((conversation) => this.#row(conversation)));
    if (id) this.#focus(id, focused.ariaLabel);
  }

  // Tools are in sight only while their row has the focus or the pointer: the row first, then its tool.
  #focus(id, tool = null) {
    const row = this.#list.querySelector(`[data-id="${id}"]`);
    row?.querySelector("a").focus();
    row?.querySelector(`button[aria-label="${tool}"]`)?.focus();
  }

  // After a dialog and a deed the focus is where it was, or on what has taken the place of the row that is gone.
  async #keepFocus({ id }, tool, deed) {
    const index = this.#conversations.findIndex((one) => one.id === id);
    await deed();
    if (document.activeElement !== document.body) return;
    if (this.#conversations.some((one) => one.id === id)) this.#focus(id, tool);
    else this.#focus((this.#conversations[index] ?? this.#conversations.at(-1))?.id);
  }

  #row(conversation) {
    const { id, repositories, updated_at: updatedAt } = conversation;
    const title = readable(conversation.title);
    const isCurrent = id === this.#currentId;
    const about = repositories.length > 1 ? `${title}\n${allNames(repositories)}` : title;
    const link = element(
      "a",
      {
        class: "item", href: `/c/${id}`, title: about, "aria-current": isCurrent ? "page" : null,
        on: { click: (event) => this.#onClick(event, id) },
      },
      element("span", { class: "name" }, title),
      element("span", { class: "words" }, [names(repositories, 1), ago(updatedAt)].filter(Boolean).join(" · ")),
    );
    const tools = element(
      "span", { class: "tools" },
      iconButton("Rename", "rename", { on: { click: () => this.#keepFocus(conversation, "Rename", () => this.#rename(conversation)) } }),
      iconButton("Delete", "remove", { on: { click: () => this.#keepFocus(conversation, "Delete", () => this.#delete(conversation)) } }),
    );
    return element("li", { class: isCurrent ? "current" : "", data: { id } }, link, this.isShared ? null : tools);
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
    const detail = ["“", element("bdi", {}, readable(title)), "” and its answers go for good."];
    if (!(await confirm("Delete the conversation?", detail, "Delete"))) return;
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
