/** What one has asked this month, and what is left of each limit. */

import { request } from "./api.js";
import { element } from "./dom.js";

const HOLDERS = { user: "", key: "with this key, ", organisation: "your team, " };
const number = new Intl.NumberFormat("en");
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", timeZone: "UTC" });

/** The section of the account sheet. */
export async function usage() {
  const { questions, tokens, limits } = await request("GET", "/api/v1/usage");
  const asked = `${counted(questions, "question")} and ${counted(tokens, "token")} this month.`;
  return element(
    "section", {}, element("h3", {}, "Usage"),
    element("p", { class: "words asked" }, limits.length ? asked : `${asked} You have no limits.`),
    limits.length ? element("ul", { class: "rows" }, ...limits.map(limitRow)) : null,
  );
}

function limitRow({ holder, measure, period, limit, used, rest, resets_at: resetsAt }) {
  const name = `${measure === "tokens" ? "Tokens" : "Questions"} a ${period}`;
  const again = period === "day" ? "at midnight, UTC" : `on ${day.format(new Date(resetsAt))}`;
  const words = `${HOLDERS[holder]}${number.format(used)} of ${number.format(limit)}; ${left(rest, again)}`;
  return element(
    "li", {}, element("span", {}, element("span", { class: "name" }, name), element("span", { class: "words" }, words)),
    element("meter", {
      class: rest ? "allowance" : "allowance used-up", "aria-label": `${name}, used`,
      min: 0, max: Math.max(limit, 1), value: limit ? Math.min(used, limit) : 1,
    }),
  );
}

function left(rest, again) {
  return rest ? `${number.format(rest)} left, all again ${again}` : `none left, all again ${again}`;
}

function counted(count, thing) {
  return `${number.format(count)} ${thing}${count === 1 ? "" : "s"}`;
}
