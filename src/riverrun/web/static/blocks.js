/** Growing markdown cut into blocks that will not change any more, and the open rest. Pure. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const OPENED = /^ {0,3}(?:`{3,}|~{3,})[^\n]*(?:\n|$)/;
const CONTINUES = /^(\s|[-*+]\s|\d+[.)]\s|>|\|)/;

/**
 * `{closed, open}`: a block is closed by a blank line outside a fence, once a line follows that does not carry it on
 * (what a list item says may go on after one). Joined, they are the text.
 */
export function splitBlocks(text) {
  const closed = [];
  let block = "";
  let fence = "";
  let isAfterBlank = false;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const isBlank = line.trim() === "";
    if (!fence && isAfterBlank && !isBlank && line.endsWith("\n") && !(CONTINUES.test(block) && CONTINUES.test(line))) {
      closed.push(block);
      block = "";
    }
    block += line;
    const mark = FENCE.exec(line)?.[1];
    if (fence) fence = mark?.startsWith(fence) && line.trim() === mark ? "" : fence;
    else if (mark) fence = mark;
    isAfterBlank = !fence && isBlank;
  }
  return { closed, open: block };
}

/** The code of an open block that is a fence still being written, without its marks; null for other blocks. */
export function openCode(open) {
  const text = open.trimStart();
  return OPENED.test(text) ? text.replace(OPENED, "").replace(/\n {0,3}[`~]{1,}\s*$/, "\n") : null;
}
