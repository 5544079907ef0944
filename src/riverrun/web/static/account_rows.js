/** A list of things that let somebody in, each with the deed that takes it away. */

import { announce } from "./announce.js";
import { button, element } from "./dom.js";

/**
 * A section with a list that reloads itself after each deed. `rowOf` makes of an item `{ name, words, deeds, controls }`,
 * where `deeds` are pairs of a verb and a function, and `controls` are elements beside them.
 */
export async function listSection(title, { load, rowOf, empty = "None.", more = null }) {
  const list = element("ul", { class: "rows" });
  const failure = element("p", { class: "form-failure", role: "alert", hidden: true });
  const section = element("section", {}, element("h3", { tabindex: -1 }, title), list, failure);
  /** Whether it was done; why not is shown. */
  const attempt = async (deed) => {
    failure.hidden = true;
    try {
      await deed();
      await show();
      // The row that was pressed is gone.
      if (!document.activeElement || document.activeElement === document.body) section.querySelector("h3").focus();
      return true;
    } catch (problem) {
      failure.textContent = problem.detail || problem.message;
      failure.hidden = false;
      return false;
    }
  };
  const show = async () => {
    const items = await load();
    list.replaceChildren(...items.map((item) => rowOfDeeds(rowOf(item, attempt), attempt)));
    if (!items.length) list.append(element("li", { class: "words" }, empty));
  };
  if (more) section.append(more(attempt));
  await show();
  return section;
}

function rowOfDeeds({ name, words, deeds, controls = [] }, attempt) {
  const buttons = deeds.map(([verb, deed]) =>
    button(verb, {
      class: "quiet", "aria-label": `${verb}: ${name}`,
      on: {
        click: async () => {
          if (await attempt(deed)) announce(`${verb}: ${name}`);
        },
      },
    }),
  );
  return row(name, words, ...controls, ...buttons);
}

/** A line of a list: a name, words on it if there are any, and what can be done with it. */
export function row(name, words, ...controls) {
  return element(
    "li", {},
    element("span", {}, element("span", { class: "name" }, name), words ? element("span", { class: "words" }, words) : null),
    element("span", { class: "deeds" }, ...controls),
  );
}
