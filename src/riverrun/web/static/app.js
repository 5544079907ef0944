/** Where the page begins: who is there, and what they are shown. */

import { confirmAddress, confirmLinking } from "./account_api.js";
import { announce } from "./announce.js";
import * as api from "./api.js";
import { Door } from "./door.js";
import { button, element } from "./dom.js";
import { takeErrand } from "./errands.js";
import { Workspace } from "./workspace.js";

const root = document.getElementById("app");
const door = new Door({ onIn: start });
let workspace = null;
let linkingToken = null;

api.whenSignedOut(showSignedOut);
window.addEventListener("hashchange", () => {
  const errand = takeErrand();
  if (errand) run(errand);
});
run(takeErrand());

/** A link may bring somebody here to do one thing first. */
async function run(errand) {
  if (errand?.kind === "password-reset") return showDoor(() => door.showReset(errand.token));
  if (errand?.kind === "invitation") return showDoor(() => door.showSignUp(errand.token));
  if (errand?.kind === "linking") linkingToken = errand.token;
  if (errand?.kind === "email-verification") {
    await confirmAddress(errand.token).then(() => announce("Your address is verified."), (problem) => announce(problem.message));
  }
  return start();
}

async function start() {
  try {
    const account = await api.account();
    await finishLinking();
    workspace?.close();
    workspace = new Workspace(account, { onSignedOut: showSignedOut });
    root.replaceChildren(workspace.node);
    await workspace.start();
  } catch (problem) {
    if (problem.status === 401) return;
    if (!(problem instanceof api.Problem)) throw problem;
    showTrouble(problem);
  }
}

/** An identity that has waited for the account's owner becomes a way in, now that they are signed in. */
async function finishLinking() {
  if (!linkingToken) return;
  const token = linkingToken;
  linkingToken = null;
  await confirmLinking(token).then(() => announce("It signs you in from now on."), (problem) => announce(problem.message));
}

/** Requests that were under way are refused one after the other; what is typed at the door meanwhile stays. */
function showSignedOut() {
  if (!root.contains(door.node)) showDoor(() => door.showSignIn());
}

function showDoor(show) {
  workspace?.close();
  workspace = null;
  root.replaceChildren(door.node);
  return show();
}

function showTrouble(problem) {
  root.replaceChildren(
    element(
      "main", { class: "door", id: "main", tabindex: -1 },
      element("p", { class: "wordmark" }, "Riverrun"), element("h1", {}, problem.title), element("p", {}, problem.detail),
      button("Try again", { class: "primary", on: { click: start } }),
    ),
  );
}
