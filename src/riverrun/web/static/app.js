/** Where the page begins: who is there, and what they are shown. */

import * as api from "./api.js";
import { button, element } from "./dom.js";
import { Workspace } from "./workspace.js";

const root = document.getElementById("app");
let workspace = null;

api.whenSignedOut(showSignedOut);
start();

async function start() {
  try {
    const account = await api.account();
    workspace = new Workspace(account, { onSignedOut: showSignedOut });
    root.replaceChildren(workspace.node);
    await workspace.start();
  } catch (problem) {
    if (problem.status === 401) return;
    if (!(problem instanceof api.Problem)) throw problem;
    showDoor(problem.title, problem.detail, button("Try again", { class: "primary", on: { click: start } }));
  }
}

function showSignedOut() {
  workspace?.close();
  workspace = null;
  showDoor(
    "Sign in",
    "Open the link that Riverrun printed where it was started: it signs this browser in, once.",
    element("p", { class: "words" }, "No link at hand? ", element("code", {}, "riverrun link"), " prints another one."),
  );
}

function showDoor(title, detail, ...more) {
  root.replaceChildren(
    element(
      "main", { class: "door", id: "main", tabindex: -1 },
      element("p", { class: "wordmark" }, "Riverrun"), element("h1", {}, title), element("p", {}, detail), ...more,
    ),
  );
}
