/** A tool's result that was too large for its event: fetched when somebody asks for it. */

import { readResult } from "./api.js";
import { button, element } from "./dom.js";
import { readableCode, size } from "./words.js";

/** A control that becomes the whole result, which takes the focus; a failure is told beside it, and it can be tried again. */
export function largeResult({ pointer, bytes }) {
  const failure = element("p", { class: "form-failure", role: "alert", hidden: true });
  const show = button(`Show result (${size(bytes)})`, { class: "quiet" });
  const node = element("div", { class: "large-result" }, show, failure);
  show.addEventListener("click", async () => {
    show.disabled = true;
    failure.hidden = true;
    try {
      const whole = element("pre", { tabindex: 0, "aria-label": "Result" }, readableCode((await readResult(pointer)).result));
      node.replaceChildren(whole);
      whole.focus();
    } catch (problem) {
      failure.textContent = problem.message;
      failure.hidden = false;
      show.disabled = false;
    }
  });
  return node;
}
