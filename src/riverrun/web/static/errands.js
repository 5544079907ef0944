/** Links that bring a token behind the `#`: taken once, and out of the address before anybody else reads it. */

const ERRAND = /^#(password-reset|email-verification|invitation|linking|sign-in-refused)=([\w-]{1,200})$/;

/** What the link is for and its token; null when the address has none. */
export function takeErrand() {
  const found = ERRAND.exec(window.location.hash);
  if (!found) return null;
  history.replaceState(null, "", window.location.pathname + window.location.search);
  return { kind: found[1], token: found[2] };
}
