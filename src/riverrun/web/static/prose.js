/** Markdown that the server made into HTML, completed here: citations to open, code to copy. */

import { renderMarkdown } from "./api.js";
import { announce, front } from "./announce.js";
import { element, iconButton, icon } from "./dom.js";
import { readLater } from "./read_later.js";
import { setServerHtml } from "./trusted_html.js";
import { placeName, readableCode, shortPlaceName, toldRepository } from "./words.js";

/**
 * Show markdown in an element, and call `onShown`. The plain text stays where the server cannot render it; if that may
 * pass, it is asked again while the element is on the page.
 */
export async function showMarkdown(node, markdown, onShown = () => {}) {
  try {
    setServerHtml(node, await renderMarkdown(markdown));
  } catch (problem) {
    if (problem.isPassing) readLater(async () => node.isConnected && showMarkdown(node, markdown, onShown));
    return;
  }
  complete(node);
  onShown();
}

function complete(node) {
  node.classList.remove("plain");
  for (const code of node.querySelectorAll("pre.code")) addCopyButton(code);
  for (const table of node.querySelectorAll("table")) makeScrollable(table);
  for (const link of node.querySelectorAll("a")) isolate(link);
}

/** Turn the markers of cited places into buttons that open them; other markers stay text. */
export function linkCitations(node, citations, openPlace) {
  const keyed = (path, place) => [placeKey(path, place.start_line, place.end_line), place];
  const places = new Map(citations.flatMap((place) => [keyed(place.path, place), keyed(`${toldRepository(place)}:${place.path}`, place)]));
  for (const marker of node.querySelectorAll("cite")) {
    const { path, start, end } = marker.dataset;
    const place = places.get(placeKey(path, start, end));
    if (place) marker.replaceWith(citationButton(place, openPlace, path !== place.path));
  }
}

/** A chip that opens a place beside the answer; it names the repository where the same path may be in another one. */
export function citationButton(place, openPlace, namesRepo = false) {
  const repo = namesRepo ? `${readableCode(toldRepository(place))}:` : "";
  const name = repo + placeName(place);
  return element(
    "button",
    {
      type: "button", class: "citation", title: name, "aria-label": `Open ${name}`,
      on: { click: (event) => openPlace(place, event.currentTarget) },
    },
    repo + shortPlaceName(place),
  );
}

// Where a link's own text turns the direction of writing round, what comes after it is still read as it was written.
function isolate(link) {
  const text = element("bdi");
  text.append(...link.childNodes);
  link.append(text);
}

function placeKey(path, start, end) {
  return `${path}\n${start}\n${end}`;
}

function addCopyButton(code) {
  const frame = element("div", { class: "code-frame" });
  code.replaceWith(frame);
  code.tabIndex = 0;
  frame.append(code, copyButton("Copy code", () => code.textContent));
}

/** A button that copies a text and says so for a moment. */
export function copyButton(label, text) {
  const copy = iconButton(label, "copy", { class: "copy" });
  copy.addEventListener("click", async () => {
    const isCopied = await copyText(text());
    announce(isCopied ? "Copied." : "The browser did not allow copying.");
    if (!isCopied) return;
    copy.replaceChildren(icon("check"));
    setTimeout(() => copy.replaceChildren(icon("copy")), 1_500);
  });
  return copy;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** The old way, for plain http, where browsers offer no clipboard. Under a dialog nothing can be selected: in front of it. */
function copyBySelection(text) {
  const field = element("textarea", { class: "visually-hidden" });
  const focused = document.activeElement;
  field.value = text;
  front().append(field);
  field.focus();
  field.select();
  const isCopied = document.activeElement === field && document.execCommand("copy");
  field.remove();
  focused?.focus();
  return isCopied;
}

function makeScrollable(table) {
  const frame = element("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Table" });
  table.replaceWith(frame);
  frame.append(table);
}
