/**
 * A real OpenID provider (oidc-provider) for tests. `node peer.mjs FOLDER SETTINGS`: the folder of its modules, and JSON
 * `{ signing_key, algorithm, email_in_id_token, callbacks }`. Prints its issuer when it listens; ends with its input.
 *
 * People sign in by any name: `ann` has the address ann@example.org, and `unverified-ann` claims to have the same.
 * `PUT /next-id-token` makes it a traitor: its next answer has that ID token in place of its own.
 */

import { createServer } from "node:http";
import { createRequire } from "node:module";

const [folder, given] = process.argv.slice(2);
const settings = JSON.parse(given);
const { Provider } = await import(createRequire(`${folder}/`).resolve("oidc-provider"));
const { signing_key: key, algorithm } = settings;
let nextIdToken = null;

const client = (id) => ({
  client_id: id,
  client_secret: `the secret of ${id}: 100% sure`,
  application_type: "native", // a loopback address on any port
  redirect_uris: settings.callbacks,
  id_token_signed_response_alg: algorithm,
});

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [client("riverrun"), client("another-app")],
  jwks: { keys: [{ ...key, alg: algorithm, use: "sig" }] },
  enabledJWA: { idTokenSigningAlgValues: [algorithm] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: !settings.email_in_id_token,
  cookies: { keys: ["tests"] },
  findAccount: (_, name) => ({ accountId: name, claims: () => claimsOf(name) }),
});

function claimsOf(name) {
  const person = name.replace(/^unverified-/, "");
  return { sub: name, email: `${person}@example.org`, email_verified: person === name, name: `${person} of the peer` };
}

provider.use(async (context, next) => {
  await next();
  if (context.oidc?.route === "token" && nextIdToken !== null && context.body?.id_token) {
    context.body = { ...context.body, id_token: nextIdToken };
    nextIdToken = null;
  }
});

const answer = provider.callback();
server.on("request", (request, response) => {
  if (request.url !== "/next-id-token") return answer(request, response);
  let body = "";
  request.on("data", (piece) => (body += piece));
  request.on("end", () => {
    nextIdToken = body;
    response.writeHead(204).end();
  });
});

process.stdin.resume().on("end", () => process.exit(0));
console.log(issuer);
