/** What could not be read is read again, until it is there or nobody wants it any more. */

const RETRY_MS = 4_000;

/** Read once more in a few seconds, and again as long as it fails, unless `signal` ends it. */
export function readLater(read, signal) {
  if (signal?.aborted) return;
  const timer = setTimeout(() => read().catch(() => readLater(read, signal)), RETRY_MS);
  signal?.addEventListener("abort", () => clearTimeout(timer));
}

/** Read now. A failure is thrown, for a person to see, and mended later. */
export async function readAtLast(read, signal) {
  try {
    await read();
  } catch (problem) {
    readLater(read, signal);
    throw problem;
  }
}
