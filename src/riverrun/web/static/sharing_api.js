/** Who else may see a conversation, over HTTP. */

import { request } from "./api.js";

const v1 = "/api/v1";
const conversation = (id) => `${v1}/conversations/${id}`;

/** `{people, organisations, links}`. */
export const sharesOf = (id) => request("GET", `${conversation(id)}/shares`);
/** Exactly these people, `{email, role, expires_at}` each, are let in by name. */
export const setPeople = (id, people) => request("PUT", `${conversation(id)}/shares`, { body: { people } });
/** A new link; its `url` is told this once. */
export const makeLink = (id, terms) =>
  request("POST", `${v1}/conversations/share`, { body: { conversation_id: id, visibility: "public", ...terms } });
export const removeLink = (id, linkId) => request("DELETE", `${conversation(id)}/links/${linkId}`);
export const removePerson = (id, email) => request("DELETE", `${conversation(id)}/access`, { body: { emails: [email] } });
export const removeOrganisation = (id, organisationId) =>
  request("DELETE", `${conversation(id)}/access`, { body: { organisation_ids: [organisationId] } });
/** Let somebody look into a repository. */
export const shareProject = (projectId, email) =>
  request("POST", `${v1}/projects/${projectId}/share`, { body: { recipientEmails: [email] } });
/** A conversation of one's own with the messages of one that one may see. */
export const copyConversation = (id) => request("POST", `${conversation(id)}/copy`);
/** Whether anybody who holds the link that brought them here may see a conversation; needs no account. */
export const knock = (id) => request("GET", `${conversation(id)}/info`, { isKnocking: true });
