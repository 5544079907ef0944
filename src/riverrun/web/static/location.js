/** Which conversation the address names. */

const CONVERSATION = /^\/c\/([0-9a-f-]{36})$/;

/** The conversation's id in the address; null on the first page. */
export function conversationInAddress() {
  return CONVERSATION.exec(window.location.pathname)?.[1] ?? null;
}

/** Make the address name a conversation, or none, as a step that the back button undoes. */
export function showInAddress(conversationId) {
  const path = conversationId ? `/c/${conversationId}` : "/";
  if (window.location.pathname !== path) history.pushState(null, "", path);
}
