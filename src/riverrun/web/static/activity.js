/** What the agent did, in one quiet line that unfolds. */

import { element } from "./dom.js";
import { largeResult } from "./large_result.js";
import { count, readable, readableCode } from "./words.js";

const MOST_RESULT_CHARS = 4_000;
const PHRASES = {
  search_code: (times) => `searched ${often(times)}`,
  read_file: (times) => `read ${count(times, "excerpt")}`,
  list_files: (times) => `listed files ${often(times)}`,
  find_symbol: (times) => `looked up ${count(times, "name")}`,
  find_callers: (times) => `traced the callers of ${count(times, "name")}`,
};

function often(times) {
  return times === 1 ? "once" : count(times, "time");
}

/** `Searched 3 times, read 2 excerpts`; empty when nothing was done. Pure. */
export function summarise(tools, thinking) {
  const times = new Map();
  for (const { name } of tools) times.set(name, (times.get(name) ?? 0) + 1);
  const phrases = [...times].map(([name, number]) => PHRASES[name]?.(number) ?? `used ${name} ${often(number)}`);
  if (thinking) phrases.unshift("thought");
  const sentence = phrases.join(", ");
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** The line and what it unfolds to. */
export class Activity {
  #summary = element("summary");
  #thinking = element("p", { class: "thinking" });
  #steps = element("ol", { class: "steps" });
  #shown = [];

  constructor() {
    this.node = element("details", { class: "activity", hidden: true }, this.#summary, this.#thinking, this.#steps);
  }

  /** Show these calls; those already shown are only completed, so that what was unfolded stays so. */
  update(tools, thinking) {
    const sentence = summarise(tools, thinking);
    this.node.hidden = !sentence;
    if (this.#summary.textContent !== sentence) this.#summary.textContent = sentence;
    const thought = readable(thinking);
    if (this.#thinking.textContent !== thought) this.#thinking.textContent = thought;
    this.#thinking.hidden = !thought;
    while (this.#shown.length > tools.length) this.#shown.pop().node.remove();
    tools.forEach((tool, index) => this.#showStep(tool, index));
  }

  #showStep(tool, index) {
    const shown = this.#shown[index];
    if (shown?.callId === tool.call_id && shown.hasResult === hasResult(tool)) return;
    const node = step(tool);
    if (shown) shown.node.replaceWith(node);
    else this.#steps.append(node);
    this.#shown[index] = { node, callId: tool.call_id, hasResult: hasResult(tool) };
  }
}

function hasResult({ result, pointer }) {
  return result !== undefined || pointer !== undefined;
}

function step(tool) {
  if (tool.hidden) return element("li", {}, element("code", {}, tool.name), " is not shown: it read a repository that is not shared with you, or not there any more.");
  const call = element("code", {}, readableCode(`${tool.name}(${argumentsOf(tool)})`));
  if (!hasResult(tool)) return element("li", {}, call);
  const result = tool.pointer ? largeResult(tool) : element("pre", { tabindex: 0 }, readableCode(shorten(String(tool.result))));
  return element("li", {}, element("details", {}, element("summary", {}, call), result));
}

function argumentsOf({ arguments: given }) {
  if (given === null || typeof given !== "object") return String(given ?? "");
  return Object.entries(given)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${shorten(JSON.stringify(value), 200)}`)
    .join(", ");
}

function shorten(text, most = MOST_RESULT_CHARS) {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
