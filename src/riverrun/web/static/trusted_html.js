/** The one door through which a string becomes markup: HTML that our own server rendered and cleaned. */

const policy = globalThis.trustedTypes?.createPolicy("riverrun", { createHTML: (html) => html }) ?? {
  createHTML: (html) => html,
};

/** Replace an element's content by the server's HTML. Never give this anything else. */
export function setServerHtml(node, html) {
  node.innerHTML = policy.createHTML(html);
}
