// Starts servers of docket, the program that the variable DOCKET names.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const secret = "a secret of the tests, with enough bytes";

/** Returns a port of 127.0.0.1 that was free just now. */
export async function freePort() {
	const server = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => server.on("listening", resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

/** Starts a server with a new database and these variables. */
export async function startDocket(variables = {}) {
	const cwd = mkdtempSync(join(tmpdir(), "docket-agents-"));
	const env = { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", LOG_FORMAT: "json", LOG_LEVEL: "debug", DRAIN_DELAY: "0s", ...variables };
	const child = spawn(process.env.DOCKET, ["serve"], { cwd, env, stdio: ["ignore", "inherit", "pipe"] });
	let log = "";
	child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
	const ended = new Promise((resolve) => child.on("exit", resolve));
	const url = await new Promise((resolve, reject) => {
		child.stderr.on("data", () => {
			const line = log.match(/"msg":"serving","address":"([^"]+)"/);
			if (line) resolve(line[1]);
		});
		ended.then(() => reject(new Error(`docket did not start:\n${log}`)));
	});
	return {
		url,
		log: () => log,
		async stop() {
			child.kill("SIGTERM");
			await ended;
			rmSync(cwd, { recursive: true });
		},
	};
}

/** Returns a token of a user, with a scope or with all. */
export function token(sub, scope) {
	const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
	const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, scope, exp: Math.floor(Date.now() / 1000) + 600 })}`;
	return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Throws unless what was got is what was expected. */
export function expect(what, got, wanted) {
	const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
	if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}
