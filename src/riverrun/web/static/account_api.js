/** The server's HTTP API for accounts. Who knocks and is refused is told so, and not sent to the door again. */

import { request } from "./api.js";

const v1 = "/api/v1";
const knock = (path, body) => request("POST", `${v1}/${path}`, { body, isKnocking: true });

export const signInOptions = () => request("GET", `${v1}/sign-in-options`);
export const signIn = (email, password) => knock("login", { email, password });
export const signUp = (account) => knock("signup", account);
export const askForReset = (email) => knock("password-reset", { email });
export const resetPassword = (token, password) => knock("password-reset/confirm", { token, password });
export const confirmAddress = (token) => knock("email-verification/confirm", { token });

export const askForVerification = () => request("POST", `${v1}/email-verification`);
export const changePassword = (oldPassword, newPassword) =>
  knock("account/password", { old_password: oldPassword, new_password: newPassword });

export const listSessions = () => request("GET", `${v1}/account/sessions`);
export const endSession = (id) => request("DELETE", `${v1}/account/sessions/${id}`);

export const listKeys = () => request("GET", `${v1}/api-keys`);
export const createKey = (name, scopes) => request("POST", `${v1}/api-keys`, { body: { name, scopes } });
export const revokeKey = (id) => request("DELETE", `${v1}/api-keys/${id}`);

export const setPrimary = (type) => request("POST", `${v1}/providers/set-primary`, { body: { provider_type: type } });
export const unlink = (type) => request("DELETE", `${v1}/providers/unlink`, { body: { provider_type: type } });
export const confirmLinking = (token) =>
  request("POST", `${v1}/providers/confirm-linking`, { body: { linking_token: token } });
export const cancelLinking = (token) => request("DELETE", `${v1}/providers/cancel-linking/${token}`);

export const listInvitations = () => request("GET", `${v1}/invitations`);
export const invite = (email) => request("POST", `${v1}/invitations`, { body: { email } });
export const revokeInvitation = (id) => request("DELETE", `${v1}/invitations/${id}`);
