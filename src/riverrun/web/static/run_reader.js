/** A run, read to its end and checked. */

import { isWhole } from "./integrity.js";
import { Painter } from "./painter.js";
import { RunDamaged } from "./tab_stream.js";

/** The run's ending, or why it could not be read, and whether it `isGone`; `answer` shows what the fold has meanwhile. */
export async function readToEnd(stream, runId, fold, answer, signal) {
  const painter = new Painter(() => answer.showProgress(fold));
  const line = { signal, onChange: () => painter.request(), onLine: (state) => answer.showLine(state) };
  try {
    await readExactly(stream, runId, fold, line);
    return { ...fold.end.error, status: fold.end.status };
  } catch (problem) {
    const { title = "The answer could not be read to its end", detail = problem.message } = problem;
    return { status: "error", title, detail, isGone: problem.status === 404 };
  } finally {
    painter.close();
  }
}

/** Follow the run; where the text is not exactly what was sent, once more from the start. */
async function readExactly(stream, runId, fold, line) {
  await stream.follow(runId, fold, line);
  if (await isWhole(fold.text, fold.end.text_sha256)) return;
  fold.restart();
  await stream.follow(runId, fold, line);
  if (await isWhole(fold.text, fold.end.text_sha256)) return;
  throw new RunDamaged("What arrived is not what was sent. Reload the page to read the stored answer.");
}
