/** Words for screen readers, said politely. */

/** Say a short sentence; the next one replaces it. */
export function announce(sentence) {
  document.getElementById("status").textContent = sentence;
}
