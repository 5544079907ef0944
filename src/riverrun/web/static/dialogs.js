/** The page's own dialogs, and questions to the person that are asked in them: Escape is no. */

import { liveRegion } from "./announce.js";
import { button, element } from "./dom.js";

/** Show a dialog over the page; once it is closed, it is gone. */
export function showOver(dialog) {
  dialog.append(liveRegion());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Close whatever is open over the page. */
export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}

/** Whether the person agrees; `action` is the verb on the button, `detail` a sentence or its pieces. */
export async function confirm(title, detail, action) {
  const answer = await ask(title, element("p", {}, ...[detail].flat()), action, "danger");
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
  showOver(dialog);
  dialog.querySelector("input")?.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue || null));
  });
}
