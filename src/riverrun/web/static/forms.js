/** Forms: labelled fields, one deed, and what went wrong said beside it. */

import { element } from "./dom.js";

/** A labelled field; `note` says what is expected, before anything is wrong. */
export function field(label, name, { note, ...attributes } = {}) {
  const noteId = note && `${name}-note`;
  return element(
    "label", { class: "field" }, element("span", {}, label),
    element("input", { name, required: true, type: "text", "aria-describedby": noteId, ...attributes }),
    note && element("small", { id: noteId }, note),
  );
}

/** The fields that several forms have. */
export const emailField = (attributes) =>
  field("E-mail", "email", { type: "email", autocomplete: "username", maxlength: 254, ...attributes });
export const passwordField = (label = "Password", name = "password") =>
  field(label, name, { type: "password", autocomplete: "current-password" });
export const newPasswordField = (label = "Password", name = "password") =>
  field(label, name, {
    type: "password", autocomplete: "new-password", minlength: 8, note: "At least 8 characters; a few words are best.",
  });

/** A form whose `deed` gets the fields' values by name. While it runs the button waits; its failure is shown. */
export function form(action, fields, deed, { kind = "primary wide" } = {}) {
  const failure = element("p", { class: "form-failure", role: "alert", hidden: true });
  const submit = element("button", { class: kind }, action);
  const node = element("form", { class: "fields" }, ...fields, failure, submit);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    failure.hidden = true;
    try {
      await deed(Object.fromEntries(new FormData(node)));
    } catch (problem) {
      failure.textContent = problem.detail || problem.message;
      failure.hidden = false;
      (node.querySelector("input[type=password]") ?? node.querySelector("input"))?.focus();
    } finally {
      submit.disabled = false;
    }
  });
  return node;
}
