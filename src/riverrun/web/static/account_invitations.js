/** Invitations to the server, for administrators. */

import * as accounts from "./account_api.js";
import { listSection } from "./account_rows.js";
import { element } from "./dom.js";
import { emailField, form } from "./forms.js";
import { ago } from "./words.js";

/** The section: invite somebody, see who has not come yet. */
export function invitations() {
  const shown = element("p", { class: "secret", role: "status", hidden: true });
  const more = (attempt) => {
    const make = form("Invite", [emailField({ autocomplete: "off" })], async ({ email }) => {
      const made = await accounts.invite(email);
      shown.replaceChildren(made.is_mailed ? "It was mailed, too: " : "Hand this on, it works once: ", element("code", {}, made.link));
      shown.hidden = false;
      make.reset();
      await attempt(async () => {});
    }, { kind: "quiet" });
    return element("div", {}, shown, make);
  };
  return listSection("Invitations", {
    load: accounts.listInvitations,
    empty: "Nobody who was invited is still to come.",
    more,
    rowOf: ({ id, email, created_at: created }) => ({
      name: email, words: `invited ${ago(created)}`, deeds: [["Take back", () => accounts.revokeInvitation(id)]],
    }),
  });
}
