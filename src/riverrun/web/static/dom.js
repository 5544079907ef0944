/** Building elements without markup: text stays text. */

/**
 * An element with properties and children. `class`, `data` (an object) and `on` (listeners by event) are understood;
 * everything else is an attribute: `true` sets it empty, `false`, `null` and `undefined` leave it out.
 */
export function element(tag, { class: classes, data, on, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  Object.assign(node.dataset, data);
  for (const [type, listener] of Object.entries(on ?? {})) node.addEventListener(type, listener);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set, empty or remove an attribute, by the rules of `element`. */
export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** A button that submits nothing. */
export function button(label, { icon: iconName, ...properties } = {}) {
  const content = iconName ? [icon(iconName), element("span", { class: "label" }, label)] : [label];
  return element("button", { type: "button", ...properties }, ...content);
}

/** A square button that shows only an icon; the label is for screen readers and the tooltip. */
export function iconButton(label, iconName, properties = {}) {
  const classes = `icon-button ${properties.class ?? ""}`.trim();
  return element(
    "button", { type: "button", "aria-label": label, title: label, ...properties, class: classes }, icon(iconName));
}

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  add: "M12 5v14M5 12h14",
  bottom: "M12 5v14M6 13l6 6 6-6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  menu: "M4 7h16M4 12h16M4 17h10",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  next: "M9 5l7 7-7 7",
  previous: "M15 5l-7 7 7 7",
  refresh: "M19 8a7.5 7.5 0 1 0 .8 6M19.5 3.5V8H15",
  remove: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13",
  rename: "M5 19l1-4L16 5l3 3L9 18z",
  send: "M12 19V5M6 11l6-6 6 6",
  share: "M12 15V4M8 8l4-4 4 4M6 12v7h12v-7",
  stop: "M8 8h8v8H8z",
  theme: "M12 4v1M12 19v1M4 12h1M19 12h1M6.3 6.3l.7.7M17 17l.7.7M6.3 17.7l.7-.7M17 7l.7-.7M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
};

/** A line icon in the text's colour; decoration, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
