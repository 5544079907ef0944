/** The first page: what to do next, in one sentence and one control. */

import { button, element } from "./dom.js";
import { addForm, statusWords } from "./repository_list.js";
import { projectName } from "./words.js";

const QUESTIONS = [
  "Where does the program start?",
  "How are errors reported to the caller?",
  "How is the configuration read?",
];

/** `data-says` names what the page says, so that it need not be shown again while that is the same. */
export function welcome(projects, onQuestion) {
  if (!projects.isLoaded) return page("loading");
  const project = projects.selected;
  if (!project) return addFirst(projects);
  if (project.status === "ready") return askAbout(project, onQuestion);
  if (project.run_id) {
    return page(
      `indexing ${project.id}`, element("h1", {}, `Reading ${projectName(project)}`),
      element("p", {}, "Its files are being indexed; the progress is beside it. You can ask as soon as that is done."));
  }
  return page(
    `unready ${project.id} ${projects.failureOf(project)}`, element("h1", {}, `${projectName(project)} is not indexed`),
    element("p", { class: "failure-title" }, statusWords(project, projects.failureOf(project))),
    ...indexAgain(projects, project));
}

/** Show the page anew in `node`, only when it would say something else: a form must not lose what is being typed into it. */
export function refreshWelcome(node, next) {
  const shown = node.querySelector(".welcome");
  if (shown && next.dataset.says !== shown.dataset.says) shown.replaceWith(next);
}

/** Why nothing can be asked about a repository; empty when it can. */
export function whyNotYet(project) {
  if (project.status === "ready") return "";
  if (project.run_id) return `${projectName(project)} is being indexed; you can ask in a moment`;
  return `${projectName(project)} is not indexed: index it again, or choose another repository`;
}

function indexAgain(projects, project) {
  const failure = element("p", { class: "form-failure", role: "alert", hidden: true });
  const again = async () => {
    failure.hidden = true;
    try {
      await projects.refresh(project);
    } catch (problem) {
      failure.textContent = problem.detail || problem.message;
      failure.hidden = false;
      await projects.load().catch(() => {});
    }
  };
  return [button("Index it again", { class: "primary", on: { click: again } }), failure];
}

function addFirst(projects) {
  return page(
    "add", element("h1", {}, "Ask your code"),
    element("p", {}, "Add a repository to begin: a folder on this server, or the https URL of a git repository."),
    addForm(projects));
}

function askAbout(project, onQuestion) {
  const questions = QUESTIONS.map((text) =>
    element("li", {}, button(text, { class: "suggestion", on: { click: () => onQuestion(text) } })));
  return page(
    `ask ${project.id}`, element("h1", {}, "What would you like to know about ", element("em", {}, projectName(project)), "?"),
    element("p", {}, "Answers cite the lines they rest on. Leave at any time: an answer is never lost."),
    element("ul", { class: "suggestions", "aria-label": "Examples" }, ...questions));
}

function page(says, ...children) {
  return element("div", { class: "welcome", data: { says } }, ...children);
}
