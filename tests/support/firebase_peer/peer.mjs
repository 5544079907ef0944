/**
 * The Firebase Authentication emulator (of firebase-tools) for tests. `node peer.mjs FOLDER PROJECT`: the folder of its
 * modules, and a project's id. Prints its host:port when it listens; ends with its input.
 */

import { createServer } from "node:http";
import { createRequire } from "node:module";

const [folder, project] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { createApp } = require("firebase-tools/lib/emulator/auth/server");
const { SingleProjectMode } = require("firebase-tools/lib/emulator/auth/index");

const server = createServer(await createApp(project, SingleProjectMode.ERROR));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

process.stdin.resume().on("end", () => process.exit(0));
console.log(`127.0.0.1:${server.address().port}`);
