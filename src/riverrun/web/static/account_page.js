/** One's own account, as a sheet over the page: who one is, the password, and everything that lets one in. */

import * as accounts from "./account_api.js";
import * as api from "./api.js";
import { announce } from "./announce.js";
import { invitations } from "./account_invitations.js";
import { organisations } from "./account_organisations.js";
import { keys, providers, sessions } from "./account_lists.js";
import { usage } from "./account_usage.js";
import { showOver } from "./dialogs.js";
import { button, element, iconButton } from "./dom.js";
import { form, newPasswordField, passwordField } from "./forms.js";
import { onceAtATime } from "./once_at_a_time.js";

/** Open the sheet; Escape or the cross closes it. */
export const openAccount = onceAtATime(async () => {
  const account = await api.account();
  const sheet = element(
    "dialog", { class: "dialog sheet", "aria-labelledby": "account-title" },
    element(
      "header", {}, element("h2", { id: "account-title", tabindex: -1, autofocus: true }, "Your account"),
      iconButton("Close", "close", { on: { click: () => sheet.close() } }),
    ),
    who(account),
    await usage(),
    await organisations(account),
    password(account),
    await providers(),
    await sessions(),
    await keys(),
    account.is_administrator ? await invitations() : null,
  );
  showOver(sheet);
});

function who(account) {
  return element(
    "section", {},
    element(
      "dl", {},
      ...fact("E-mail", account.email, account.email_verified ? null : verifyLine()),
      ...fact("Name", account.display_name),
      ...(account.is_administrator ? fact("Role", "Administrator of this server") : []),
    ),
  );
}

function fact(label, words, more = null) {
  return [element("dt", {}, label), element("dd", {}, words, more)];
}

function verifyLine() {
  const line = element(
    "p", { class: "words" }, "Not verified: what is shared with this address does not reach you yet. ",
    button("Send me a link", {
      class: "link",
      on: {
        click: async () => {
          await accounts.askForVerification().then(() => {
            line.textContent = "A link is on its way, if this server sends mail. It is good for a day.";
            announce(line.textContent);
          }, (problem) => (line.textContent = problem.message));
        },
      },
    }),
  );
  return line;
}

function password(account) {
  const hasOne = account.providers.some(({ provider_type: type }) => type === "password");
  const fields = [hasOne ? passwordField("Present password", "old") : null, newPasswordField("New password", "new")];
  const change = form(hasOne ? "Change the password" : "Set a password", fields, async (given) => {
    await accounts.changePassword(given.old ?? null, given.new);
    change.reset();
    said.textContent = "Done. You are signed out everywhere else.";
    announce(said.textContent);
  }, { kind: "primary" });
  const said = element("p", { class: "words" });
  return element("section", {}, element("h3", {}, "Password"), change, said);
}
