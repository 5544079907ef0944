/** The ask box. */

import { element, icon, setAttribute } from "./dom.js";
import { NARROW, regainFocus } from "./focus.js";
import { allNames, names } from "./words.js";

const MOST_CHARS = 32_000;
const WARN_FROM = 30_000;
const KEYS = "Enter asks, Shift+Enter begins a new line, / comes back here";

/**
 * `onAsk(text)` sends, and answers whether the text was taken; `onStop()` stops the answer under way. Enter sends,
 * Shift+Enter begins a line.
 */
export class Composer {
  #why = "";
  #isAnswering = false;
  #isStopping = false;
  #isSending = false;
  #hasLostFocus = false;

  constructor({ onAsk, onStop }) {
    this.onAsk = onAsk;
    this.onStop = onStop;
    this.field = element("textarea", {
      id: "question", rows: 1, placeholder: "Ask about the code", "aria-label": "Your question",
      "aria-describedby": "composer-scope composer-hint", autocomplete: "off", enterkeyhint: "send",
      on: { input: () => this.#update(), keydown: (event) => this.#onKey(event) },
    });
    this.action = element("button", { type: "submit", class: "send" });
    this.hint = element("p", { id: "composer-hint", class: "hint" });
    this.scope = element("div", { id: "composer-scope", class: "scope" });
    this.node = element(
      "form", { class: "composer", on: { submit: (event) => this.#onSubmit(event) } },
      element("div", { class: "box" }, this.field, element("div", { class: "box-foot" }, this.scope, this.action)),
      this.hint,
    );
    this.#update();
  }

  /** Say why nothing can be asked now; an empty string when it can. */
  block(why) {
    this.#why = why;
    this.#update();
  }

  /** The names of the repositories that a question is about. */
  set about(repositories) {
    this.scope.textContent = repositories.length ? `about ${names(repositories)}` : "";
    setAttribute(this.scope, "title", repositories.length ? allNames(repositories) : null);
  }

  /** While an answer is written the button stops it. */
  set isAnswering(value) {
    this.#isAnswering = value;
    this.#isStopping = false;
    this.#update();
  }

  /** The stop was asked for and has not been heard of yet. */
  set isStopping(value) {
    this.#isStopping = value;
    this.#update();
  }

  /** What is in the box and was not sent. */
  get draft() {
    return this.field.value;
  }

  set draft(text) {
    this.field.value = text;
    this.#update();
  }

  /** Put a text into the box, ready to be changed or sent. */
  fill(text) {
    this.draft = text;
    this.field.focus();
  }

  /** Have the keyboard if it is lost; not on a small screen. */
  takeFocus() {
    regainFocus(NARROW.matches ? null : this.field);
  }

  /** The answer is there: whoever was at the button that stopped it goes on at `next`. */
  handOn(next) {
    if (this.#hasLostFocus || document.activeElement === this.action) {
      this.action.blur();
      regainFocus(next, { preventScroll: true });
    }
    this.#hasLostFocus = false;
  }

  #update() {
    const length = this.field.value.length;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
    const label = this.#isAnswering ? (this.#isStopping ? "Stopping" : "Stop the answer") : "Ask";
    this.action.replaceChildren(icon(this.#isAnswering ? "stop" : "send"));
    this.action.classList.toggle("stop", this.#isAnswering);
    setAttribute(this.action, "aria-label", label);
    setAttribute(this.action, "title", label);
    this.#setDisabled(this.#isAnswering ? this.#isStopping : Boolean(this.#refusal()));
    this.hint.textContent = this.#words(length);
    this.hint.classList.toggle("warning", length > MOST_CHARS);
    this.hint.classList.toggle("about-keys", this.hint.textContent === KEYS);
  }

  // A button that cannot be pressed loses the keyboard. It has it again when the answer could not be stopped.
  #setDisabled(isDisabled) {
    if (isDisabled && document.activeElement === this.action) this.#hasLostFocus = true;
    this.action.disabled = isDisabled;
    if (isDisabled || !this.#isAnswering) return;
    if (this.#hasLostFocus) regainFocus(this.action);
    this.#hasLostFocus = false;
  }

  #refusal() {
    if (this.#why) return this.#why;
    if (this.#isSending) return "Sending";
    if (!this.field.value.trim()) return "empty";
    return this.field.value.length > MOST_CHARS ? "too long" : "";
  }

  #words(length) {
    if (length > MOST_CHARS) {
      const over = (length - MOST_CHARS).toLocaleString("en");
      return `${over} characters too many: a question has at most ${MOST_CHARS.toLocaleString("en")}.`;
    }
    if (this.#isStopping) return "Stopping the answer";
    if (this.#isAnswering) return "An answer is being written. You can ask again when it is done, or stop it.";
    if (this.#why) return this.#why;
    if (length > WARN_FROM) return `${(MOST_CHARS - length).toLocaleString("en")} characters left`;
    return KEYS;
  }

  #onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!this.#isAnswering) this.#ask();
  }

  #onSubmit(event) {
    event.preventDefault();
    if (this.#isAnswering) this.onStop();
    else this.#ask();
  }

  async #ask() {
    if (this.#refusal()) return;
    this.#isSending = true;
    this.#update();
    this.takeFocus();
    const text = this.field.value.trim();
    const isTaken = await this.onAsk(text);
    this.#isSending = false;
    if (isTaken && this.field.value.trim() === text) this.field.value = "";
    this.#update();
  }
}
