/** What is shown in the place of a conversation that could not be read. */

import { element } from "./dom.js";

const GONE = {
  title: "There is no such conversation",
  detail: "It was deleted, or it is not shared with you (any more).",
  refusal: "Choose a conversation, or begin a new one",
};

/** `{title, detail, refusal, isGone}`: what to say, also at the ask box. */
export function wordsOf({ status, title, detail }) {
  const isGone = status === 404 || status === 422;
  return isGone ? { ...GONE, isGone } : { title, detail: detail ?? "", refusal: "The conversation could not be loaded", isGone };
}

/** `again` is a button, for what may succeed a moment later. */
export function failurePage({ title, detail, isGone }, again) {
  return element("div", { class: "welcome" }, element("h1", {}, title), element("p", {}, detail), isGone ? null : again);
}
