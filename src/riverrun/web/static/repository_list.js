/** The sidebar's repositories: add, choose, watch, refresh, remove. */

import { announce } from "./announce.js";
import { confirm } from "./dialogs.js";
import { element, iconButton } from "./dom.js";
import { regainFocus } from "./focus.js";
import { ago, count, projectName, readableCode } from "./words.js";

const PHASES = { cloning: "Cloning", scanning: "Scanning", parsing: "Parsing", storing: "Storing" };

/** A form that adds a repository; used in the sidebar and on the empty page. */
export function addForm(projects, { autofocus = false, onAdded = () => {} } = {}) {
  const failure = element("p", { class: "form-failure", role: "alert", hidden: true });
  const field = element("input", {
    type: "text", placeholder: "/path/to/folder or https://…", "aria-label": "Folder or https URL of a repository",
    required: true, autocomplete: "off", autocapitalize: "off", spellcheck: "false", autofocus, maxlength: 2048,
  });
  const add = element("button", { class: "primary" }, "Add");
  const form = element("form", { class: "add-form" }, element("div", { class: "row" }, field, add), failure);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    add.disabled = true;
    failure.hidden = true;
    try {
      await projects.add(field.value.trim());
      field.value = "";
      announce("The repository is being indexed.");
      onAdded();
    } catch (problem) {
      failure.textContent = problem.detail || problem.message;
      failure.hidden = false;
      field.focus();
    } finally {
      add.disabled = false;
    }
  });
  return form;
}

/** The section itself. */
export class RepositoryList {
  #list = element("ul", { class: "items" });
  #rows = new Map();

  constructor(projects, { onChoose, onProblem }) {
    this.projects = projects;
    this.onChoose = onChoose;
    this.onProblem = onProblem;
    const form = addForm(projects, { onAdded: () => this.#closeForm() });
    this.form = element("div", { class: "add-drop", hidden: true }, form);
    this.toggle = iconButton("Add a repository", "add", {
      "aria-expanded": "false", on: { click: () => this.#toggle(this.form.hidden) },
    });
    this.node = element(
      "section", { class: "group", "aria-labelledby": "repositories-title" },
      element("header", {}, element("h2", { id: "repositories-title" }, "Repositories"), this.toggle),
      this.form, this.#list,
    );
    projects.addEventListener("change", () => this.#show());
    projects.addEventListener("begun", () => this.#focusSelected());
    this.#show();
  }

  #toggle(isOpen) {
    this.form.hidden = !isOpen;
    this.toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.form.querySelector("input").focus();
  }

  #closeForm() {
    this.#toggle(false);
    this.#focusSelected();
  }

  #focusSelected() {
    regainFocus(this.#rows.get(this.projects.selected?.id)?.choose);
  }

  #show() {
    const shown = new Set(this.projects.list.map((project) => project.id));
    for (const [id, row] of this.#rows) {
      if (!shown.has(id)) row.node.remove();
    }
    this.projects.list.forEach((project, index) => {
      const row = this.#rows.get(project.id) ?? new RepositoryRow(project.id, this);
      this.#rows.set(project.id, row);
      row.show(project);
      if (this.#list.children[index] !== row.node) this.#list.insertBefore(row.node, this.#list.children[index] ?? null);
    });
    this.#rows = new Map([...this.#rows].filter(([id]) => shown.has(id)));
  }

  /** Do something and say why when it fails. */
  async attempt(deed) {
    try {
      await deed();
    } catch (problem) {
      this.onProblem(problem);
    }
  }

  /** The same for a row: then the keyboard is on it, or on what has taken its place. */
  async attemptAt(row, deed) {
    const index = [...this.#list.children].indexOf(row.node);
    await this.attempt(deed);
    const place = row.node.isConnected ? row.node : (this.#list.children[index] ?? this.#list.lastElementChild);
    regainFocus(place?.querySelector(".item") ?? this.toggle);
  }
}

/** One repository. Kept while its words change, so that the keyboard's focus stays where it is. */
class RepositoryRow {
  #name = element("span", { class: "name" });
  #words = element("span", { class: "words" });
  #bar = element("progress", { max: 1, "aria-label": "Indexing" });
  #project = null;

  constructor(id, list) {
    this.list = list;
    this.choose = element(
      "button", { type: "button", class: "item", on: { click: () => list.onChoose(id) } }, this.#name, this.#words);
    this.stop = iconButton("Stop indexing", "stop", { on: { click: () => this.#stop() } });
    this.refresh = iconButton("Index what changed", "refresh", { on: { click: () => this.#refresh() } });
    this.remove = iconButton("Remove the repository", "remove", { on: { click: () => this.#remove() } });
    this.tools = element("span", { class: "tools" }, this.stop, this.refresh, this.remove);
    this.node = element("li", { class: "repository" }, this.choose, this.tools, this.#bar);
  }

  show(project) {
    const hadFocus = this.tools.contains(document.activeElement);
    this.#project = project;
    const progress = this.list.projects.progressOf(project);
    const isIndexing = progress !== null;
    this.node.dataset.status = isIndexing ? "indexing" : project.status;
    this.node.classList.toggle("current", this.list.projects.selected?.id === project.id);
    this.choose.title = [readableCode(project.source), this.list.projects.failureOf(project)].filter(Boolean).join("\n");
    this.#name.textContent = projectName(project);
    this.#words.textContent = isIndexing ? progressWords(progress) : statusWords(project, this.list.projects.failureOf(project));
    this.tools.hidden = !project.is_owner;
    this.stop.hidden = !isIndexing;
    this.refresh.hidden = isIndexing;
    this.#bar.hidden = !isIndexing;
    if (progress?.total) this.#bar.value = progress.done / progress.total;
    else this.#bar.removeAttribute("value");
    if (hadFocus) regainFocus(this.choose);
  }

  #stop() {
    this.stop.disabled = true;
    this.list.attemptAt(this, () => this.list.projects.stop(this.#project)).finally(() => (this.stop.disabled = false));
  }

  #refresh() {
    this.list.attemptAt(this, () => this.list.projects.refresh(this.#project));
  }

  #remove() {
    const name = projectName(this.#project);
    const detail = "Its index goes. The repository itself is not touched, and conversations about it stay.";
    this.list.attemptAt(this, async () => {
      if (await confirm(`Remove ${name}?`, detail, "Remove")) await this.list.projects.remove(this.#project);
    });
  }
}

function progressWords({ phase, done, total, unit }) {
  if (!phase) return "Waiting for a free worker";
  const share = total ? ` ${done.toLocaleString("en")} of ${total.toLocaleString("en")} ${unit}` : "";
  return `${PHASES[phase] ?? phase}${share}`;
}

/** What is to be said of a repository that is not being indexed. */
export function statusWords(project, failure) {
  if (project.status === "ready") return `${count(project.files, "file")} · indexed ${ago(project.indexed_at)}`;
  return failure || "Not indexed to the end: index it again";
}

