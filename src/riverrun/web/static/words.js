/** Numbers, times and places as people read them. */

import { serverNow } from "./server_clock.js";

/** `1 file`, `2,000 files`. */
export function count(number, singular, plural = `${singular}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? singular : plural}`;
}

/** `12 kB`, `1.4 MB`. */
export function size(bytes) {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `alpha`, `alpha and beta`; of more only so many as are `shown`: `alpha, beta and 3 more`. */
export function names(list, shown = 2) {
  const told = list.map(readableCode);
  return told.length > 2 ? `${told.slice(0, shown).join(", ")} and ${told.length - shown} more` : told.join(" and ");
}

const conjunction = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** All of them, however many: `alpha, beta and gamma`. */
export function allNames(list) {
  return conjunction.format(list.map(readableCode));
}

const STEPS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** `just now`, `5 minutes ago`, `yesterday`. Clocks differ: what would lie ahead is `just now` too. */
export function ago(time, now = serverNow()) {
  const seconds = Math.min(0, Math.round((new Date(time).getTime() - now) / 1000));
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return "just now";
}

// The same characters as in kit/bidi.py.
const TURNS_IN_PROSE = /[\u202a-\u202e\u2066-\u2069]/g;
const TURNS_IN_CODE = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g;
const codePoint = (character) => `[U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;

/** What somebody wrote, with each character that would turn the direction of writing shown by its name: `[U+202E]`. */
export function readable(prose) {
  return prose.replace(TURNS_IN_PROSE, codePoint);
}

/** The same of code and of names, which have no use for the plain marks either. */
export function readableCode(code) {
  return code.replace(TURNS_IN_CODE, codePoint);
}

/** `src/app.py:12-20`, or `src/app.py:12` for one line. To be read: a request takes the path itself. */
export function placeName({ path, start_line: start, end_line: end }) {
  const name = readableCode(path);
  return end > start ? `${name}:${start}-${end}` : `${name}:${start}`;
}

/** What people call an indexed repository: with its branch, or its commit's first digits, where one was asked for. */
export function projectName({ repo_name: repo, branch_name: branch }) {
  return readableCode(toldRepository({ repo, version: /^[0-9a-f]{40}$/.test(branch) ? branch.slice(0, 12) : branch }));
}

/** What a marker calls the repository of a place: with the branch or the commit's first digits, where one was asked for. */
export function toldRepository({ repo, version }) {
  return version ? `${repo}@${version}` : repo;
}

/** The same with the file's own name only. */
export function shortPlaceName(place) {
  return placeName({ ...place, path: place.path.split("/").pop() });
}
