/** The signed-in page: sidebar, conversation, source panel, and how they go together. */

import * as api from "./api.js";
import { openAccount } from "./account_page.js";
import { announce } from "./announce.js";
import { ConversationList } from "./conversation_list.js";
import { closeAll } from "./dialogs.js";
import { button, element, iconButton } from "./dom.js";
import { NARROW, regainFocus } from "./focus.js";
import { conversationInAddress, showInAddress } from "./location.js";
import { Projects } from "./projects.js";
import { readAtLast } from "./read_later.js";
import { RepositoryList } from "./repository_list.js";
import { openSharing } from "./sharing_dialog.js";
import { SourcePanel } from "./source_panel.js";
import { TabStream } from "./tab_stream.js";
import { changeTheme } from "./theme.js";
import { Thread } from "./thread.js";
import { projectName, readable } from "./words.js";

/** Everything of one signed-in person. */
export class Workspace {
  #stream = new TabStream();
  #projects = new Projects(this.#stream);
  #listeners = new AbortController();

  constructor(account, { onSignedOut }) {
    this.onSignedOut = onSignedOut;
    this.userId = account.user_id;
    this.panel = new SourcePanel({
      projectOf: (place) => this.#projects.named(place, this.thread.projectIds),
      reloadProjects: () => this.#projects.load(),
      onToggle: (isOpen) => this.#onPanel(isOpen),
    });
    this.thread = new Thread({
      stream: this.#stream,
      projects: this.#projects,
      panel: this.panel,
      onBegun: (id) => this.#begun(id),
      onChanged: () => this.#reloadConversations(),
      onTitle: (title) => this.#showTitle(title),
      onProblem: () => NARROW.matches && this.#uncover(),
      onCopied: (id) => this.#openCopy(id),
    });
    const onProblem = (problem) => this.thread.showProblem(problem);
    this.repositories = new RepositoryList(this.#projects, { onChoose: (id) => this.#choose(id), onProblem });
    this.conversations = new ConversationList({
      onOpen: (id) => this.#open(id),
      onGone: (id) => id === this.thread.id && this.#open(null),
      onRenamed: (id, title) => id === this.thread.id && this.thread.setTitle(title),
      onProblem,
    });
    this.shared = new ConversationList({ onOpen: (id) => this.#open(id), onProblem, isShared: true });
    this.node = this.#build(account);
    this.#listen();
  }

  /** Load the lists and the conversation of the address. */
  async start() {
    const id = conversationInAddress();
    this.#mark(id);
    const lists = [this.conversations, this.shared].map((list) => readAtLast(() => list.load(), this.#listeners.signal));
    await Promise.all([this.#projects.start(), ...lists, this.thread.open(id)]).catch((problem) => this.thread.showProblem(problem));
    if (!NARROW.matches) this.thread.composer.takeFocus();
  }

  /** Stop following and listening. */
  close() {
    this.#listeners.abort();
    this.#projects.close();
    this.thread.open(null);
  }

  #build(account) {
    this.title = element("h1", { class: "title" }, "Riverrun");
    this.sidebar = element(
      "nav", { class: "sidebar", id: "sidebar", "aria-label": "Repositories and conversations" },
      element(
        "header", { class: "brand" }, element("a", { href: "/", class: "wordmark", on: { click: (event) => this.#home(event) } }, "Riverrun"),
        iconButton("Change the theme", "theme", { on: { click: () => announce(`The theme is ${changeTheme()}.`) } }),
      ),
      button("New question", { icon: "add", class: "new", on: { click: () => this.#open(null) } }),
      this.repositories.node,
      this.conversations.node,
      this.shared.node,
      element(
        "footer", {},
        button(account.display_name, { class: "account", title: `Your account: ${account.email}`, on: { click: () => this.#showAccount() } }),
        button("Sign out", { class: "quiet", on: { click: () => this.#signOut() } }),
      ),
    );
    this.menu = iconButton("Show repositories and conversations", "menu", {
      class: "menu", "aria-controls": "sidebar", "aria-expanded": "false", on: { click: () => this.#openDrawer() },
    });
    this.share = button("Share", { icon: "share", class: "quiet share", hidden: true, on: { click: () => this.#showSharing() } });
    const shade = element("div", { class: "shade", on: { click: () => this.#closeDrawer() } });
    this.middle = element("div", { class: "middle" }, element("header", { class: "topbar" }, this.menu, this.title, this.share), this.thread.node);
    return element("div", { class: "workspace" }, this.sidebar, shade, this.middle, this.panel.node);
  }

  #listen() {
    const { signal } = this.#listeners;
    window.addEventListener("popstate", () => this.#follow(conversationInAddress()), { signal });
    document.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    NARROW.addEventListener("change", () => this.#onWidth(), { signal });
    this.#projects.addEventListener("indexed", ({ detail }) => this.#onIndexed(detail), { signal });
    this.#closeDrawer();
  }

  // A dialog has its own Escape, and so has a word that is being composed.
  #onKey(event) {
    if (event.isComposing || event.defaultPrevented || event.target.closest("dialog")) return;
    const isTyping = event.target.closest("input, textarea, select");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.#closeDrawer();
      if (NARROW.matches) this.panel.close();
      this.thread.composer.field.focus();
    }
    if (event.key === "Escape") this.#uncover();
  }

  #onIndexed({ project, end }) {
    const words = { ready: "can be asked about now", error: "could not be indexed" };
    announce(`${projectName(project)} ${end.status === "cancelled" ? "is no longer being indexed" : (words[project.status] ?? "was not indexed to the end")}.`);
  }

  #choose(id) {
    this.#projects.select(id);
    this.#open(null);
  }

  #home(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#open(null);
  }

  #open(id) {
    showInAddress(id);
    this.#show(id);
    this.#closeDrawer();
    this.#focusQuestion();
  }

  #focusQuestion() {
    if (!NARROW.matches) this.thread.composer.field.focus();
    else this.thread.composer.takeFocus();
  }

  // A jump within the page, as by the skip link, is told like a step back: what is shown stays as it is. A sheet about
  // one conversation must not stay over another.
  async #follow(id) {
    if (id === this.thread.id) return;
    closeAll();
    const isShown = this.#show(id);
    this.#closeDrawer();
    this.thread.composer.takeFocus();
    await isShown;
    if (id === this.thread.id) announce(this.title.textContent);
  }

  #show(id) {
    this.#mark(id);
    return this.thread.open(id);
  }

  #mark(id) {
    this.conversations.mark(id);
    this.shared.mark(id);
  }

  #begun(id) {
    showInAddress(id);
    this.#mark(id);
  }

  #openCopy(id) {
    this.#open(id);
    this.#reloadConversations();
    announce("This is your copy.");
  }

  async #reloadConversations() {
    await this.conversations.load().catch(() => {});
    const { id } = this.thread;
    const title = this.conversations.titleOf(id);
    if (title) this.thread.setTitle(title);
  }

  #showTitle(title) {
    this.node.classList.toggle("on-first-page", this.thread.id === null);
    const told = title && readable(title);
    this.title.textContent = told ?? "Riverrun";
    this.share.hidden = !this.thread.info?.is_creator;
    document.title = told ? `${told} · Riverrun` : "Riverrun";
  }

  #openDrawer() {
    this.node.classList.add("with-drawer");
    this.menu.setAttribute("aria-expanded", "true");
    this.#shutCovered();
    this.sidebar.querySelector(".new").focus();
  }

  #closeDrawer() {
    this.node.classList.remove("with-drawer");
    this.menu.setAttribute("aria-expanded", "false");
    this.#shutCovered();
  }

  /** Close what lies over the conversation or beside it. Words about a failure stand in the conversation. */
  #uncover() {
    if (!this.#hasDrawer) return this.panel.close();
    this.#closeDrawer();
    this.menu.focus();
  }

  #onPanel(isOpen) {
    this.node.classList.toggle("with-panel", isOpen);
    this.#shutCovered();
  }

  #onWidth() {
    this.#closeDrawer();
    if (this.panel.isOpen) regainFocus(this.panel.heading);
  }

  get #hasDrawer() {
    return this.node.classList.contains("with-drawer");
  }

  // Out of sight is out of reach: what is closed, or covered on a small screen, takes no focus.
  #shutCovered() {
    this.sidebar.inert = NARROW.matches && !this.#hasDrawer;
    this.middle.inert = NARROW.matches && (this.#hasDrawer || this.panel.isOpen);
    this.panel.node.inert = this.#hasDrawer;
  }

  async #showSharing() {
    const { info } = this.thread;
    await openSharing(info, () => info.id === this.thread.id).catch((problem) => this.thread.showProblem(problem));
  }

  async #showAccount() {
    await openAccount().catch((problem) => this.thread.showProblem(problem));
  }

  async #signOut() {
    try {
      await api.signOut();
      this.onSignedOut();
    } catch (problem) {
      this.thread.showProblem(problem);
    }
  }
}
