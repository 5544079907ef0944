/** Questions to the person, asked in the page's own dialogs: Escape is no. */

import { button, element } from "./dom.js";

/** Whether the person agrees; `action` is the verb on the button. */
export async function confirm(title, detail, action) {
  const answer = await ask(title, element("p", {}, detail), action, "danger");
  return answer !== null;
}

/** A line of text, trimmed; null when the person thinks better of it. */
export async function askText(title, value, action) {
  const field = element("input", { type: "text", value, maxlength: 200, "aria-label": title, required: true });
  const answer = await ask(title, field, action, "primary");
  return answer === null ? null : field.value.trim() || null;
}

function ask(title, content, action, kind) {
  const cancel = button("Cancel", { class: "quiet", on: { click: () => dialog.close() } });
  const dialog = element(
    "dialog", { class: "dialog", "aria-label": title },
    element(
      "form", { method: "dialog" },
      element("h2", {}, title), content,
      element("div", { class: "dialog-foot" }, cancel, element("button", { class: kind, value: "yes" }, action)),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("input")?.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
  });
}
