/** Other ways to sign in: a way to each identity provider that the server knows, and what is said when one leads nowhere. */

import { request } from "./api.js";
import { element } from "./dom.js";

const REFUSALS = {
  "account-disabled": "An administrator of this server has closed this account.",
  "address-not-verified": "The provider does not say that your e-mail address is verified: verify it there first.",
  "provider-taken": "The account with this address is linked to another identity of this provider.",
  "sign-up-refused": "There is no account with this address: ask an administrator of this server for an invitation.",
  "too-many-requests": "Too many tried to sign in from here: wait a minute.",
  "try-again-later": "The provider cannot be reached now: try again in a moment.",
};

/** Why a provider's word let nobody in, by the kind of the server's problem. */
export function refusalOf(kind) {
  return REFUSALS[kind] ?? "You were not signed in: begin once more.";
}

/** A link to each provider, which leads back to where the page is now; null where there is none. */
export async function ssoButtons() {
  const providers = await request("GET", "/api/v1/sso/providers").catch(() => []);
  const next = new URLSearchParams({ next: window.location.pathname });
  const links = providers.map(({ label, start_path: path }) =>
    element("a", { class: "provider wide", href: `${path}?${next}` }, `Sign in with ${label}`));
  return links.length ? element("div", { class: "providers" }, ...links) : null;
}
