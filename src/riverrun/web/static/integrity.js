/** Whether the text that arrived is the text that was sent. */

/** False only when the checksum is known to differ; browsers offer checksums on https and localhost alone. */
export async function isWhole(text, sha256) {
  if (!sha256 || !globalThis.crypto?.subtle) return true;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return hex(digest) === sha256;
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
