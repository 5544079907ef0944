/** Links that bring a token behind the `#`: taken once, and out of the address before anybody else reads it. */

const ERRAND = /^#(password-reset|email-verification|invitation|linking|sign-in-refused)=([\w-]{1,200})$/;

/** What the link is for and its token; null when the address has none. */
export function takeErrand() {
  const found = ERRAND.exec(window.location.hash);
  if (!found) return null;
  history.replaceState(null, "", window.location.pathname + window.location.search);
  return { kind: found[1], token: found[2] };
}

const KEPT = "riverrun-waiting-";
const KINDS = ["linking", "email-verification"];

/** Keep what a link asked for until somebody has come in, in this tab alone: also when they go by another provider's pages. */
export function keepToken({ kind, token }) {
  sessionStorage.setItem(KEPT + kind, token);
}

/** The kind of what waits for somebody to come in; null when nothing does. */
export function waitingKind() {
  return KINDS.find((kind) => sessionStorage.getItem(KEPT + kind)) ?? null;
}

/** The token that waits, once; null when there is none. */
export function takeToken(kind) {
  const token = sessionStorage.getItem(KEPT + kind);
  sessionStorage.removeItem(KEPT + kind);
  return token;
}
