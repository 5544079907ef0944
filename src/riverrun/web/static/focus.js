/** Where the keyboard is when a deed is done: what it was on may be gone, out of sight, or not to be pressed any more. */

/** A small screen, not a sheet of paper: there a field that has the focus brings up a keyboard over half of what is to be read. */
export const NARROW = window.matchMedia("screen and (max-width: 860px)");

/** Put a lost keyboard on `node`, or else on the conversation as a whole. Where a person has put it meanwhile it stays. */
export function regainFocus(node, options = {}) {
  if (isLost()) node?.focus(options);
  if (isLost()) document.getElementById("main")?.focus({ preventScroll: true });
}

function isLost() {
  const focused = document.activeElement ?? document.body;
  return focused === document.body || focused.matches(":disabled, [inert] *") || focused.getClientRects().length === 0;
}
