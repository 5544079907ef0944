/** What lets one in: linked providers, sessions, API keys. */

import * as accounts from "./account_api.js";
import * as api from "./api.js";
import { listSection } from "./account_rows.js";
import { element } from "./dom.js";
import { field, form } from "./forms.js";
import { ago } from "./words.js";

/** The ways to sign in. */
export function providers() {
  return listSection("Ways to sign in", {
    load: async () => (await api.account()).providers,
    empty: "A link from where Riverrun was started. Set a password to sign in without one.",
    rowOf: ({ provider_type: type, provider_data: data, is_primary: isPrimary, linked_at: linked, last_used_at: used }) => ({
      name: type === "password" ? "Password" : (data.label ?? type.replace(/^sso_/, "")),
      words: [isPrimary ? "the usual one" : null, used ? `last used ${ago(used)}` : `set up ${ago(linked)}`].filter(Boolean).join(", "),
      deeds: [
        ...(isPrimary ? [] : [["Make it the usual one", () => accounts.setPrimary(type)]]),
        ["Unlink", () => accounts.unlink(type)],
      ],
    }),
  });
}

/** Where one is signed in. */
export function sessions() {
  return listSection("Where you are signed in", {
    load: accounts.listSessions,
    rowOf: ({ id, kind, name, created_at: created, last_used_at: used, is_current: isCurrent }) => ({
      name: name || "a program",
      words: `${isCurrent ? "here, " : ""}${kind === "bearer" ? "by token, " : ""}signed in ${ago(created)}${used && !isCurrent ? `, last used ${ago(used)}` : ""}`,
      deeds: isCurrent ? [] : [["Sign out", () => accounts.endSession(id)]],
    }),
  });
}

/** Keys for programs. A new one is shown once. */
export function keys() {
  const shown = element("p", { class: "secret", role: "status", hidden: true });
  const more = (attempt) => {
    const make = form("Make a key", [field("What is the key for?", "name", { maxlength: 100 })], async ({ name }) => {
      const made = await accounts.createKey(name, ["read", "write"]);
      shown.replaceChildren("Keep it, it is not shown again: ", element("code", {}, made.key));
      shown.hidden = false;
      make.reset();
      await attempt(async () => {});
    }, { kind: "quiet" });
    return element("div", {}, shown, make);
  };
  return listSection("API keys", {
    load: accounts.listKeys,
    more,
    rowOf: ({ id, name, hint, scopes, last_used_at: used }) => ({
      name,
      words: `${hint}…, ${scopes.join(" and ")}, ${used ? `last used ${ago(used)}` : "not used yet"}`,
      deeds: [["Revoke", () => accounts.revokeKey(id)]],
    }),
  });
}
