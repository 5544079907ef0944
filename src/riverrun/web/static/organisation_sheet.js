/** The sheet of an organisation: who is in it and as what, who is invited, and the way out. */

import { row } from "./account_rows.js";
import { announce } from "./announce.js";
import { confirm, showOver } from "./dialogs.js";
import { button, element, iconButton } from "./dom.js";
import { emailField, form } from "./forms.js";
import { onceAtATime } from "./once_at_a_time.js";
import * as api from "./organisation_api.js";
import { ago } from "./words.js";

const ROLES = { member: "Member", admin: "Admin", owner: "Owner" };
const DUTIES = "Members see what is shared with it. Admins also let people in and out; owners also make owners and delete it.";

/** Open the sheet of `organisation` for the signed-in `account`; resolved when it is closed again. */
export const openOrganisation = onceAtATime(async (organisation, account) => {
  const sheet = new OrganisationSheet(organisation, account);
  await sheet.load();
  showOver(sheet.node);
  await new Promise((resolve) => sheet.node.addEventListener("close", resolve));
});

class OrganisationSheet {
  #members = element("ul", { class: "rows", "aria-label": "Members" });
  #invited = element("ul", { class: "rows", "aria-label": "Invited" });
  #failure = element("p", { class: "form-failure", role: "alert", hidden: true });
  #said = element("p", { class: "words", hidden: true });
  #adding = element("div", {});
  #ways = element("p", { class: "ways" });
  #role = "member";

  constructor(organisation, account) {
    this.id = organisation.id;
    this.name = organisation.name;
    this.account = account;
    this.invitations = element("section", {}, element("h3", {}, "Invited, and still to come"), this.#invited);
    this.node = element(
      "dialog", { class: "dialog sheet", "aria-labelledby": "organisation-title" },
      element(
        "header", {}, element("h2", { id: "organisation-title", tabindex: -1, autofocus: true }, this.name),
        iconButton("Close", "close", { on: { click: () => this.node.close() } }),
      ),
      element("p", { class: "words" }, DUTIES),
      this.#failure,
      element("section", {}, element("h3", {}, "Members"), this.#members, this.#adding, this.#said),
      this.invitations,
      element("section", {}, this.#ways),
    );
  }

  /** Show who is in now; what one may do oneself may have changed with it. */
  async load() {
    const members = await api.members(this.id);
    this.#role = members.find(({ user_id: id }) => id === this.account.user_id)?.role ?? "member";
    const invited = this.#leads ? await api.invitations(this.id) : [];
    this.#members.replaceChildren(...members.map((member) => this.#memberRow(member)));
    this.#invited.replaceChildren(...invited.map((one) => this.#invitationRow(one)));
    this.invitations.hidden = !invited.length;
    if (this.#adding.dataset.role !== this.#role) this.#adding.replaceChildren(...(this.#leads ? [this.#memberForm()] : []));
    this.#adding.dataset.role = this.#role;
    this.#ways.replaceChildren(...this.#waysOut());
  }

  get #leads() {
    return this.#role !== "member";
  }

  /** Nobody gives or takes a role above their own. */
  #rulesOver(role) {
    return this.#role === "owner" || (this.#role === "admin" && role !== "owner");
  }

  #memberRow({ user_id: id, email, display_name: name, role }) {
    const isMe = id === this.account.user_id;
    const words = [name === email ? null : email, isMe ? "you" : null].filter(Boolean).join(", ");
    if (!this.#rulesOver(role)) return row(name, words, element("span", { class: "words" }, ROLES[role]));
    const [choice, set] = this.#roleChoice(id, email, role);
    const remove = isMe ? null : iconButton(`Remove ${email}`, "remove", {
      on: { click: () => this.#do(() => api.removeMember(this.id, id), `${email} is out.`) },
    });
    return row(name, words, choice, set, remove);
  }

  /** A chooser, and the button that makes it so: arrow keys change a chooser's value on their way. */
  #roleChoice(id, email, role) {
    const choice = this.#roleField(role, `What ${email} is`);
    const change = () => this.#do(() => api.changeRole(this.id, id, choice.value), `${email} is ${ROLES[choice.value].toLowerCase()} now.`);
    const set = button("Set", { class: "quiet", "aria-label": `Set what ${email} is`, hidden: true, on: { click: change } });
    choice.addEventListener("change", () => (set.hidden = choice.value === role));
    return [choice, set];
  }

  #invitationRow({ id, email, role, created_at: created }) {
    const words = `to be ${ROLES[role].toLowerCase()}, invited ${ago(created)}`;
    if (!this.#rulesOver(role)) return row(email, words);
    return row(email, words, button("Take back", {
      class: "quiet", "aria-label": `Take back: ${email}`,
      on: { click: () => this.#do(() => api.withdrawInvitation(this.id, id), `${email} is invited no more.`) },
    }));
  }

  #memberForm() {
    const fields = element(
      "div", { class: "field-line" }, emailField({ autocomplete: "off" }), this.#roleField("member", "What they are", "role"));
    const make = form("Add", [fields], async ({ email, role }) => {
      const added = await api.addMember(this.id, email, role);
      await this.load();
      make.reset();
      this.#say(added.is_invited ? `${added.email} is invited: in as soon as there is an account with this address.` : `${added.email} is in.`);
    }, { kind: "quiet" });
    return make;
  }

  #roleField(chosen, label, name = null) {
    const offered = Object.entries(ROLES).filter(([value]) => this.#rulesOver(value));
    return element(
      "select", { name, "aria-label": label },
      ...offered.map(([value, words]) => element("option", { value, selected: value === chosen }, words)),
    );
  }

  #waysOut() {
    const leave = () => this.#part("Leave", "You see what is shared with it no more.", () => api.removeMember(this.id, this.account.user_id));
    const remove = () => this.#part("Delete", "What was shared with it is shared with its members no more.", () => api.remove(this.id));
    return [
      button("Leave it", { class: "quiet", on: { click: leave } }),
      this.#role === "owner" ? button("Delete it", { class: "quiet", on: { click: remove } }) : null,
    ].filter(Boolean);
  }

  async #part(verb, detail, deed) {
    if (!(await confirm(`${verb} ${this.name}?`, detail, verb))) return;
    await this.#attempt(async () => {
      await deed();
      this.node.close();
    });
  }

  /** Do it and show what came of it; the row that was pressed may be gone, so the focus goes to the title. */
  #do(deed, words) {
    return this.#attempt(async () => {
      await deed();
      this.#said.hidden = true;
      announce(words);
      await this.load();
    });
  }

  async #attempt(deed) {
    this.#failure.hidden = true;
    try {
      await deed();
    } catch (problem) {
      await this.load().catch(() => {});
      this.#failure.textContent = problem.detail || problem.message;
      this.#failure.hidden = false;
    }
    if (this.node.open && !this.node.contains(document.activeElement)) this.node.querySelector("h2").focus();
  }

  #say(words) {
    this.#said.textContent = words;
    this.#said.hidden = false;
    announce(words);
  }
}
