/** Words for screen readers, said politely. Under a modal everything is inert and says nothing: a dialog says its own. */

import { element } from "./dom.js";

/** Where words are said, for a dialog to have before there is anything to say. */
export function liveRegion() {
  return element("p", { class: "announcements visually-hidden", role: "status", "aria-live": "polite" });
}

/** What is in front: the dialog that was opened last, else the page. */
export function front() {
  return [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
}

/** Say a short sentence; the next one replaces it. */
export function announce(sentence) {
  const region = front().querySelector(":scope > .announcements") ?? document.getElementById("status");
  region.textContent = sentence;
}
