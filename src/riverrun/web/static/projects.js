/** The repositories that may be asked about, and the runs that index them. */

import * as api from "./api.js";
import { RunFold } from "./fold.js";
import { readAtLast, readLater } from "./read_later.js";
import { projectName } from "./words.js";

/**
 * Fires `change` whenever the list or a progress changes, `begun` when somebody here has begun to index what is now
 * `selected`, `indexed` with `detail.project` when a run has ended.
 */
export class Projects extends EventTarget {
  list = [];
  isLoaded = false;
  #selectedId = null;
  #followed = new Set();
  #progress = new Map();
  #failures = new Map();
  #lifetime = new AbortController();
  #stream;

  /** `stream` is the tab's one connection to its runs. */
  constructor(stream) {
    super();
    this.#stream = stream;
  }

  /** The repository that a new conversation is about: the chosen one, else a ready one, else any. */
  get selected() {
    return this.find(this.#selectedId) ?? this.list.find((project) => project.status === "ready") ?? this.list[0] ?? null;
  }

  select(id) {
    this.#selectedId = id;
    this.#changed();
  }

  find(id) {
    return this.list.find((project) => project.id === id) ?? null;
  }

  /** The repository that a citation of one of these projects means; of several of its name, the one at its commit, or else of its branch. */
  named({ repo, commit, version = "" }, projectIds) {
    const found = projectIds.map((id) => this.find(id)).filter(Boolean);
    const candidates = projectIds.length > 1 ? found.filter((project) => project.repo_name === repo) : found;
    return (
      candidates.find((project) => project.commit_id === commit) ??
      candidates.find((project) => project.branch_name === version) ??
      candidates[0] ??
      null
    );
  }

  /** `{phase, done, total, unit}` of the indexing under way, `{}` before the first word of it; null when none is. */
  progressOf(project) {
    return project.run_id ? (this.#progress.get(project.run_id) ?? {}) : null;
  }

  /** Why a repository is not ready, in words; empty when nothing is known. */
  failureOf(project) {
    return project.error || this.#failures.get(project.id) || "";
  }

  /** Read the list for the first time. Where that fails it is read again, until it is there. */
  async start() {
    await readAtLast(() => this.load(), this.#lifetime.signal);
  }

  async load() {
    this.list = await api.listProjects();
    this.isLoaded = true;
    this.#changed();
    this.#followAll();
  }

  /** Add what was typed: a folder of the server, an https URL, or `owner/name`. Indexing begins at once. */
  async add(typed) {
    const isFolder = /^(\/|~|\.|[A-Za-z]:\\)/.test(typed);
    await this.#index(isFolder ? { repo_path: typed } : { repo_name: typed });
  }

  /** Index what changed since the last time. */
  async refresh(project) {
    const source = project.source.startsWith("/") ? { repo_path: project.source } : { repo_name: project.source };
    await this.#index({ ...source, ...(project.branch_name ? { branch_name: project.branch_name } : {}) });
  }

  /** A new conversation's id. The repository may have been removed elsewhere: then the list is read again. */
  async beginConversation(project) {
    try {
      return (await api.createConversation(project.id)).conversation_id;
    } catch (problem) {
      if (problem.status === 404) await this.load().catch(() => {});
      throw this.find(project.id) ? problem : goneProblem(project);
    }
  }

  async remove(project) {
    await api.removeProject(project.id);
    await this.load();
  }

  async stop(project) {
    await api.stopRun(project.run_id);
  }

  /** Follow no run any more. */
  close() {
    this.#lifetime.abort();
  }

  async #index(source) {
    const { project_id: id } = await api.addProject(source);
    this.#selectedId = id;
    await this.load();
    this.dispatchEvent(new Event("begun"));
  }

  #followAll() {
    for (const project of this.list) {
      if (project.run_id && !this.#followed.has(project.run_id)) this.#follow(project);
    }
  }

  #loadLater() {
    readLater(() => this.load(), this.#lifetime.signal);
  }

  async #follow({ id, run_id: runId }) {
    const fold = new RunFold();
    this.#followed.add(runId);
    const onChange = () => {
      this.#progress.set(runId, fold.progress ?? {});
      this.#changed();
    };
    try {
      await this.#stream.follow(runId, fold, { signal: this.#lifetime.signal, onChange, onLine: () => {} });
    } catch {
      // The list says how the run ended, or that it goes on and is to be followed again.
    } finally {
      this.#followed.delete(runId);
      this.#progress.delete(runId);
    }
    if (this.#lifetime.signal.aborted) return;
    if (!fold.end) {
      this.#loadLater();
      return;
    }
    this.#failures.set(id, fold.end.error?.detail ?? "");
    await this.load().catch(() => this.#loadLater());
    const project = this.find(id);
    if (project) this.dispatchEvent(new CustomEvent("indexed", { detail: { project, end: fold.end } }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function goneProblem(project) {
  const detail = "It was removed, or it is not shared with you any more. Choose another repository, and ask again.";
  return new api.Problem(`${projectName(project)} cannot be asked about`, detail, 404);
}
