/** The server's HTTP API for organisations. */

import { request } from "./api.js";

const organisations = "/api/v1/organisations";
const of = (id) => `${organisations}/${id}`;

export const list = () => request("GET", organisations);
export const create = (name) => request("POST", organisations, { body: { name } });
export const remove = (id) => request("DELETE", of(id));

export const members = (id) => request("GET", `${of(id)}/members`);
export const addMember = (id, email, role) => request("POST", `${of(id)}/members`, { body: { email, role } });
export const changeRole = (id, userId, role) => request("PATCH", `${of(id)}/members/${userId}`, { body: { role } });
export const removeMember = (id, userId) => request("DELETE", `${of(id)}/members/${userId}`);

export const invitations = (id) => request("GET", `${of(id)}/invitations`);
export const withdrawInvitation = (id, invitationId) => request("DELETE", `${of(id)}/invitations/${invitationId}`);
