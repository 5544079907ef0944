/** The questions and answers of a conversation as they are stored. */

import * as api from "./api.js";
import { Answer } from "./answer.js";
import { button, element } from "./dom.js";
import { regainFocus } from "./focus.js";
import { uniquePlaces } from "./fold.js";
import { readable } from "./words.js";

const PAGE = 100;
const FEW = 8;
const NOTHING = { text: "", thinking: "", tools: [], citations: [] };

/**
 * `openPlace(place, button)` shows a citation; `askAgain(text)` repeats a question; `regenerate()` has the last one
 * answered again; `watch(runId, answer)` shows a run to its end; `onProblem` hears of failures; `namesRepos()` says
 * whether the same path may be in several repositories.
 */
export class Turns {
  node = element("div", { class: "turns" });
  #line = Promise.resolve();
  #newestQuestionId = null;

  constructor({ openPlace, askAgain, regenerate, watch, onProblem, namesRepos }) {
    Object.assign(this, { openPlace, askAgain, regenerate, watch, onProblem, namesRepos });
  }

  /**
   * Read the newest messages and show them. Answers the question at the end that has no stored answer, as a message;
   * null when it has one. Its run is under way, or has just ended, or ended without a word: following it tells.
   */
  async load({ id, total_messages: total }, signal) {
    const start = Math.max(0, total - PAGE);
    const messages = await api.listMessages(id, start, PAGE + 2, signal);
    const newest = messages.at(-1);
    const waiting = newest?.type === "HUMAN" && newest.run_id ? newest : null;
    this.#newestQuestionId = questionIds(messages).at(-1) ?? null;
    this.node.replaceChildren(...(start > 0 ? [this.#earlierButton(id, start, signal)] : []));
    this.node.append(...this.#turnsOf(messages, waiting, signal));
    return waiting;
  }

  /** Show something else than turns, such as the first page. */
  replace(...nodes) {
    this.#newestQuestionId = null;
    this.node.replaceChildren(...nodes);
  }

  /** Whether the question that is shown last is still the last one: somebody may have asked more elsewhere. */
  async isUpToDate(id, signal) {
    const ids = await newestQuestionIds(id, signal);
    return (ids.at(-1) ?? null) === this.#newestQuestionId;
  }

  /** Whether a question that was stored just now comes right after the one that is shown last now. */
  async isNext(id, questionId, signal) {
    const shown = this.#newestQuestionId;
    const ids = await newestQuestionIds(id, signal);
    const before = ids[ids.indexOf(questionId) - 1] ?? null;
    return ids.includes(questionId) && before === shown;
  }

  /** A question that was stored just now, and its empty answer. */
  append(text, id) {
    this.#newestQuestionId = id;
    this.node.append(question(text));
    return this.appendAnswer(text);
  }

  /** An empty answer at the end, to a question that is there already. */
  appendAnswer(asked) {
    const answer = this.#newAnswer(asked);
    this.node.append(answer.node);
    return answer;
  }

  /** The newest answer is whole: it takes the place of those above it, of which stopped ones may be, too. All are a step away. */
  async settle(id, answer, signal) {
    while (answer.node.previousElementSibling?.matches(".answer")) answer.node.previousElementSibling.remove();
    const { total_messages: total } = await api.conversationInfo(id, signal);
    const [message] = await api.listMessages(id, total - 1, 1, signal);
    this.#offerSiblings(answer, message, null, signal);
  }

  #turnsOf(messages, waiting, signal) {
    const answered = new Set(messages.filter((message) => message.type !== "HUMAN").map((message) => message.turn));
    const nodes = [];
    let asked = null;
    for (const message of messages) {
      if (message.type === "HUMAN") {
        asked = message.content;
        nodes.push(question(asked));
        const isWordless = message !== waiting && message.run_id && !answered.has(message.turn);
        if (isWordless) nodes.push(this.#wordless(message, signal));
      } else {
        nodes.push(this.#storedAnswer(message, asked, signal));
      }
    }
    return nodes;
  }

  #storedAnswer(message, asked, signal) {
    const answer = this.#newAnswer(asked);
    const whole = {
      text: message.content,
      thinking: message.thinking,
      tools: message.tool_calls,
      citations: uniquePlaces(message.citations),
    };
    const { reason } = message;
    if (!reason || reason === "cancelled") answer.showWhole(whole, { status: reason ?? "completed" });
    else this.#showFailed(answer, whole, message.run_id, reason, signal);
    this.#offerSiblings(answer, message, asked, signal);
    return answer.node;
  }

  #offerSiblings(answer, { conversation_id: id, id: own, siblings }, asked, signal) {
    if (siblings.length < 2) return;
    answer.showSiblings(siblings.indexOf(own) + 1, siblings.length, async (place) => {
      try {
        const message = await api.readMessage(id, siblings[place - 1], signal);
        const step = answer.node.contains(document.activeElement) ? document.activeElement.title : null;
        const shown = this.#storedAnswer(message, asked, signal);
        answer.node.replaceWith(shown);
        if (step) focusStep(shown, step);
      } catch (problem) {
        if (!signal.aborted) this.onProblem(problem);
      }
    });
  }

  /** A question without a message: its run failed or was stopped before its first word, or other questions wait for it. */
  #wordless(message, signal) {
    const answer = this.#newAnswer(message.content);
    this.#showFailed(answer, NOTHING, message.run_id, null, signal);
    return answer.node;
  }

  /** The message knows that a run failed; the run knows why. One that has not ended yet is watched, each in its turn. */
  async #showFailed(answer, whole, runId, title, signal) {
    const run = runId ? await api.runInfo(runId, signal).catch(() => null) : null;
    if (run && !run.ended_at) this.#line = this.#line.then(() => signal.aborted || this.watch(runId, answer));
    else await answer.showWhole(whole, { title, ...run?.error, status: run?.status ?? "error" });
  }

  #newAnswer(asked) {
    const askAgain = asked === null ? null : () => this.askAgain(asked);
    const { openPlace, namesRepos } = this;
    return new Answer({ openPlace, askAgain, regenerate: () => this.regenerate(), namesRepos });
  }

  #earlierButton(id, start, signal) {
    const earlier = button("Show earlier messages", { class: "quiet wide" });
    earlier.addEventListener("click", async () => {
      const first = Math.max(0, start - PAGE);
      try {
        const messages = await api.listMessages(id, first, start - first, signal);
        const further = first > 0 ? [this.#earlierButton(id, first, signal)] : [];
        this.#putBefore(earlier, further, this.#turnsOf(messages, null, signal));
      } catch (problem) {
        if (!signal.aborted) this.onProblem(problem);
      }
    });
    return earlier;
  }

  /** What was read stays where it is on the screen; the keyboard goes to where the earlier messages begin. */
  #putBefore(earlier, further, turns) {
    const below = earlier.nextElementSibling;
    const place = below.getBoundingClientRect().top;
    earlier.replaceWith(...further, ...turns);
    this.node.parentElement.scrollTop += below.getBoundingClientRect().top - place;
    turns[0].tabIndex = -1;
    regainFocus(turns[0], { preventScroll: true });
  }
}

function questionIds(messages) {
  return messages.filter(({ type }) => type === "HUMAN").map(({ id }) => id);
}

async function newestQuestionIds(id, signal) {
  const { total_messages: total } = await api.conversationInfo(id, signal);
  return questionIds(await api.listMessages(id, Math.max(0, total - FEW), PAGE, signal));
}

/** The keyboard is on the same step of another answer; at the last one, on the way back. */
function focusStep(shown, title) {
  const steps = [...shown.querySelectorAll(".siblings button:enabled")];
  (steps.find((step) => step.title === title) ?? steps[0])?.focus();
}

function question(text) {
  return element("article", { class: "question", "aria-label": "Question" }, element("p", {}, readable(text)));
}
