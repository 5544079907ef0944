/** Growing markdown cut into blocks that will not change any more, and the open rest. Pure. */

const FENCE = /^ {0,3}(`{3,}(?![^\n]*`)|~{3,})/;
const OPENED = /^ {0,3}(?:`{3,}(?![^\n]*`)|~{3,})[^\n]*(?:\n|$)/;
const ITEM = /^([-*+]|\d+[.)])\s/;

/**
 * `{closed, open}`: a block is closed by a line that begins another one: outside a fence, after a blank line or a
 * fence's end and not indented, or the next item of a list. Joined, they are the text; what is closed stays as it is.
 */
export function splitBlocks(text) {
  const closed = [];
  let block = "";
  let fence = "";
  let isAfterEnd = false;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const isBlank = line.trim() === "";
    if (!fence && !isBlank && beginsBlock(line, block, isAfterEnd)) {
      closed.push(block);
      block = "";
    }
    block += line;
    const mark = FENCE.exec(line)?.[1];
    const endsFence = fence !== "" && line.trim() === mark && mark.startsWith(fence) && line.endsWith("\n");
    isAfterEnd = endsFence || (!fence && isBlank);
    if (endsFence) fence = "";
    else if (!fence && mark) fence = mark;
  }
  return { closed, open: block };
}

function beginsBlock(line, block, isAfterEnd) {
  return (isAfterEnd && !/^\s/.test(line)) || (ITEM.test(block) && ITEM.test(line));
}

/** The code of an open block that is a fence still being written, without its marks; null for other blocks. */
export function openCode(open) {
  const text = open.trimStart();
  return OPENED.test(text) ? text.replace(OPENED, "").replace(/\n {0,3}[`~]{1,}\s*$/, "\n") : null;
}
