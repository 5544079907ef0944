/** The organisations that one is in, each with a way to its sheet. */

import * as api from "./organisation_api.js";
import { listSection } from "./account_rows.js";
import { button, element } from "./dom.js";
import { field, form } from "./forms.js";
import { openOrganisation } from "./organisation_sheet.js";

/** The section: look at one, make one. */
export function organisations(account) {
  const more = (attempt) => {
    const make = form("Make an organisation", [field("What is it called?", "name", { maxlength: 100 })], async ({ name }) => {
      await api.create(name);
      make.reset();
      await attempt(async () => {});
    }, { kind: "quiet" });
    return element("div", {}, make);
  };
  return listSection("Organisations", {
    load: api.list,
    empty: "You are in none. What is shared with an organisation is seen by all of its members.",
    more,
    rowOf: (one, attempt) => ({
      name: one.name,
      words: `you are its ${one.role}`,
      controls: [
        button("Members", {
          class: "quiet", "aria-label": `Members of ${one.name}`, on: { click: () => attempt(() => openOrganisation(one, account)) },
        }),
      ],
      deeds: [],
    }),
  });
}
