/** Where the page begins: who is there, and what they are shown. */

import { cancelLinking, confirmLinking } from "./account_api.js";
import { announce } from "./announce.js";
import * as api from "./api.js";
import { closeAll, confirm } from "./dialogs.js";
import { Door } from "./door.js";
import { button, element } from "./dom.js";
import { keepToken, takeErrand, takeToken, waitingKind } from "./errands.js";
import { GuestRoom } from "./guest_room.js";
import { conversationInAddress } from "./location.js";
import { knock } from "./sharing_api.js";
import { Workspace } from "./workspace.js";

const root = document.getElementById("app");
const door = new Door({ onIn: start });
let workspace = null;
let draft = null;

api.whenSignedOut(showSignedOut);
window.addEventListener("hashchange", () => {
  const errand = takeErrand();
  if (errand) run(errand);
});
run(takeErrand());

/** A link may bring somebody here to do one thing first. */
function run(errand) {
  if (errand?.kind === "password-reset") return showDoor(() => door.showReset(errand.token));
  if (errand?.kind === "invitation") return showDoor(() => door.showSignUp(errand.token));
  if (errand?.kind === "sign-in-refused") return showDoor(() => door.showSignIn({ refusal: errand.token }));
  if (errand) keepToken(errand);
  if (errand) door.node.remove();
  return start();
}

async function start() {
  try {
    const account = await api.account({ isKnocking: true });
    const verification = takeToken("email-verification");
    if (verification) return verify(verification);
    leave();
    workspace = new Workspace(account, { onSignedOut: showSignedOut });
    if (draft?.userId === account.user_id) workspace.thread.composer.draft = draft.text;
    draft = null;
    root.replaceChildren(workspace.node);
    await Promise.all([workspace.start(), askAboutLinking(account)]);
  } catch (problem) {
    if (problem.status === 401) return showGuest(conversationInAddress());
    if (!(problem instanceof api.Problem)) throw problem;
    showTrouble(problem);
  }
}

/** Only who is in the account says that its address is theirs: somebody else may have made it. */
function verify(token) {
  return showDoor(() => door.showVerified(token));
}

/** Somebody came by a provider with the account's address. Only its owner, signed in otherwise, lets that be a way in. */
async function askAboutLinking(account) {
  const token = takeToken("linking");
  if (!token) return;
  const detail = `Somebody signed in elsewhere with the address ${account.email}. If it was you, you may come in that way from now on.`;
  const isMine = await confirm("Was it you?", detail, "Yes, link it");
  await (isMine ? confirmLinking : cancelLinking)(token).then(
    () => announce(isMine ? "It is linked." : "It was not linked."), (problem) => workspace?.thread.showProblem(problem));
}

/** Who holds a link needs no account to look at what it is for. */
async function showGuest(id) {
  const mayLook = id && (await knock(id).then(() => true, () => false));
  if (!mayLook) return showSignedOut();
  leave();
  workspace = new GuestRoom(id, { onSignIn: showSignedOut });
  root.replaceChildren(workspace.node);
  return workspace.start();
}

/** Requests that were under way are refused one after the other; what is typed at the door meanwhile stays. */
function showSignedOut() {
  if (!root.contains(door.node)) showDoor(() => door.showSignIn({ waiting: waitingKind() }));
}

/** What was typed is kept for who typed it: a session may end elsewhere, in the middle of a question. */
function leave() {
  closeAll();
  if (workspace?.userId) draft = { userId: workspace.userId, text: workspace.thread.composer.draft };
  workspace?.close();
  workspace = null;
}

function showDoor(show) {
  leave();
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
