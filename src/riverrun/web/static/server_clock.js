/** The server's time: a browser's own clock may be wrong. */

let aheadMs = 0;

/** Learn the time from the `Date` of an answer that has just come. */
export function learnTime(date) {
  const told = Date.parse(date);
  if (told) aheadMs = told - Date.now();
}

/** Milliseconds since 1970, as the server counts them. */
export function serverNow() {
  return Date.now() + aheadMs;
}
