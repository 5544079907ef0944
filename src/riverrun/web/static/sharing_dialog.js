/** The sheet in which the owner of a conversation says who else may see it. */

import { row } from "./account_rows.js";
import { announce } from "./announce.js";
import { listProjects } from "./api.js";
import { showOver } from "./dialogs.js";
import { element, iconButton } from "./dom.js";
import { emailField, form } from "./forms.js";
import { onceAtATime } from "./once_at_a_time.js";
import { copyButton } from "./prose.js";
import { serverNow } from "./server_clock.js";
import * as api from "./sharing_api.js";
import { allNames } from "./words.js";

const ROLES = { view: "Can look", ask: "Can ask" };
const DAY_MS = 86_400_000;
const TERMS = [["", "Until it is removed"], [1, "For a day"], [7, "For a week"], [30, "For a month"]];

/** Open the sheet for a conversation's `info`, if it `isWanted()` still when everything is read. */
export const openSharing = onceAtATime(async (info, isWanted) => {
  const projects = await listProjects();
  const repositories = info.project_ids.map((id) => projects.find((project) => project.id === id)).filter(Boolean);
  const sheet = new SharingSheet(info, repositories);
  await sheet.load();
  if (isWanted()) showOver(sheet.node);
});

class SharingSheet {
  #people = element("ul", { class: "rows", "aria-label": "People" });
  #links = element("ul", { class: "rows", "aria-label": "Links" });
  #made = element("div", { class: "made-link", hidden: true });
  #failure = element("p", { class: "form-failure", role: "alert", hidden: true });

  /** `repositories` are those of the conversation that are left. */
  constructor(info, repositories) {
    this.info = info;
    this.repositories = repositories;
    this.node = element(
      "dialog", { class: "dialog sheet", "aria-labelledby": "sharing-title" },
      element(
        "header", {}, element("h2", { id: "sharing-title", tabindex: -1, autofocus: true }, "Share this conversation"),
        iconButton("Close", "close", { on: { click: () => this.node.close() } }),
      ),
      element(
        "p", { class: "words" },
        "Answers and citations are shown. What the tools read is shown only to those who may see the repository. But an answer may ",
        "itself quote code, and those of the built-in model always do: whoever sees the answer sees that code, guests too.",
      ),
      this.#failure,
      element("section", {}, element("h3", {}, "People"), this.#people, this.#personForm()),
      element("section", {}, element("h3", {}, "Links"), this.#links, this.#made, this.#linkForm()),
    );
  }

  async load() {
    this.#show(await api.sharesOf(this.info.id));
  }

  #show(shares) {
    const people = shares.people.map((person) => this.#personRow(person));
    const teams = shares.organisations.map((team) => this.#teamRow(team));
    this.#people.replaceChildren(...people, ...teams);
    this.#people.hidden = people.length + teams.length === 0;
    this.#links.replaceChildren(...shares.links.map((link) => this.#linkRow(link)));
    this.#links.hidden = shares.links.length === 0;
  }

  #personRow(person) {
    const role = roleField(person.role, `What ${person.email} may do`);
    role.addEventListener("change", () => this.#do(() => this.#changeRole(person.email, role.value)));
    const shutOut = async () => {
      await api.removePerson(this.info.id, person.email);
      await this.load();
    };
    const remove = iconButton(`Remove ${person.email}`, "remove", {
      on: { click: () => this.#do(shutOut, `${person.email} is shut out.`) },
    });
    return row(person.email, until(person.expires_at), role, remove);
  }

  #teamRow(team) {
    const shutOut = async () => {
      await api.removeOrganisation(this.info.id, team.id);
      await this.load();
    };
    const remove = iconButton(`Remove ${team.name}`, "remove", { on: { click: () => this.#do(shutOut, `${team.name} is shut out.`) } });
    return row(team.name, `Everybody in it. ${ROLES[team.role]}. ${until(team.expires_at)}`, remove);
  }

  #linkRow(link) {
    const remove = async () => {
      await api.removeLink(this.info.id, link.id);
      await this.load();
    };
    const who = link.requires_sign_in ? "Whoever has it and an account here" : "Anybody who has it";
    return row(
      `${who} ${link.role === "ask" ? "can ask" : "can look"}`, until(link.expires_at),
      iconButton("Remove this link", "remove", { on: { click: () => this.#do(remove, "The link opens nothing any more.") } }),
    );
  }

  #personForm() {
    const fields = element(
      "div", { class: "field-line" }, emailField({ autocomplete: "off" }), roleField("view", "What they may do", "role"));
    return form("Share", [fields, this.#repositoryField()], async ({ email, role, repository: shares }) => {
      const person = { email: email.trim().toLowerCase(), role, expires_at: null };
      await this.#letIn(person);
      if (shares) await this.#letLook(person.email);
      fields.querySelector("input").value = "";
      announce(`Shared with ${person.email}.`);
    }, { kind: "quiet" });
  }

  #repositoryField() {
    const { repositories } = this;
    if (!repositories.length) return null;
    const needed = repositories.length > 1 ? "them" : "it";
    return checkbox("repository", `Let them look into ${namesOf(repositories)} too; asking needs ${needed}`);
  }

  // Each by itself: what cannot be shared keeps nobody from the others.
  async #letLook(email) {
    const given = await Promise.allSettled(this.repositories.map(({ id }) => api.shareProject(id, email)));
    const refused = this.repositories.filter((_, index) => given[index].status === "rejected");
    if (!refused.length) return;
    const mayPass = given.some(({ reason }) => reason?.isPassing);
    const why = mayPass ? "Try again in a moment." : "What was removed meanwhile, or is not yours, cannot be shared.";
    throw new Error(`${email} is let in, but may not look into ${namesOf(refused)}. ${why}`);
  }

  #linkForm() {
    const days = element(
      "select", { name: "days", "aria-label": "How long" },
      ...TERMS.map(([value, label]) => element("option", { value }, label)),
    );
    const fields = element("div", { class: "field-line" }, roleField("view", "What they may do", "role"), days);
    const account = checkbox("account", "Only for people with an account here", { checked: true });
    return form("Make a link", [fields, account], async ({ role, days: term, account: isNeeded }) => {
      const expires = term ? new Date(serverNow() + Number(term) * DAY_MS).toISOString() : null;
      const { link } = await api.makeLink(this.info.id, { role, expires_at: expires, requires_sign_in: Boolean(isNeeded) });
      await this.load();
      this.#showMade(link.url);
    }, { kind: "quiet" });
  }

  #showMade(url) {
    const address = element("input", { type: "text", readonly: true, value: url, "aria-label": "The new link" });
    this.#made.replaceChildren(
      element("p", { class: "words" }, "Copy it now: it is not shown again."),
      element("div", { class: "field-line" }, address, copyButton("Copy the link", () => url)),
    );
    this.#made.hidden = false;
    address.focus();
    address.select();
  }

  // The server is given the whole list: as it is at this moment, or who was shut out elsewhere would be back.
  async #letIn(person) {
    const { people } = await api.sharesOf(this.info.id);
    const others = people.filter(({ email }) => email !== person.email);
    this.#show(await api.setPeople(this.info.id, [...others, person]));
  }

  async #changeRole(email, role) {
    const { people } = await api.sharesOf(this.info.id);
    const person = people.find((one) => one.email === email);
    if (!person) throw new Error(`${email} was shut out elsewhere meanwhile.`);
    await this.#letIn({ ...person, role });
  }

  async #do(deed, words = "") {
    this.#failure.hidden = true;
    try {
      await deed();
      announce(words);
    } catch (problem) {
      await this.load().catch(() => {});
      this.#failure.textContent = problem.detail || problem.message;
      this.#failure.hidden = false;
    }
    this.node.querySelector("h2").focus();
  }
}

function namesOf(repositories) {
  return allNames(repositories.map(({ repo_name: name }) => name));
}

function roleField(chosen, label, name = null) {
  return element(
    "select", { name, "aria-label": label },
    ...Object.entries(ROLES).map(([value, words]) => element("option", { value, selected: value === chosen }, words)),
  );
}

function checkbox(name, label, attributes = {}) {
  return element("label", { class: "check" }, element("input", { type: "checkbox", name, ...attributes }), element("span", {}, label));
}

function until(moment) {
  return moment ? `Until ${new Date(moment).toLocaleDateString("en", { dateStyle: "medium" })}` : "";
}
