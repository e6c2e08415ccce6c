// Better Auth servers as projects have them: the settings of each are
// BETTER_AUTH_URL and BETTER_AUTH_SECRET, users sign up with an e-mail address,
// and the jwt plugin makes tokens with its default keys.
//
// The arguments are the servers' values of BETTER_AUTH_URL. {port} in a value
// stands for any free port of 127.0.0.1, on which that server listens. A line of
// the output for each server is its BETTER_AUTH_URL, in the order of the
// arguments. The servers end when the standard input does.
//
// Beside Better Auth's own routes each server has these:
//
//	POST /test/rotate   makes its keys expire, as after the rotation interval: the next token has a new key
//	GET  /test/fetches  how often its key set was fetched
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";

process.stdin.on("close", () => process.exit()).resume();
for (const url of process.argv.slice(2)) console.log(await serve(url));

async function serve(url) {
	const port = Number(url.match(/:(\d+)/)?.[1] ?? 0);
	const server = createServer().listen(port, "127.0.0.1");
	await new Promise((resolve) => server.on("listening", resolve));
	process.env.BETTER_AUTH_URL = url.replace("{port}", server.address().port);
	const tables = { user: [], session: [], account: [], verification: [], jwks: [] };
	const auth = betterAuth({
		database: memoryAdapter(tables),
		emailAndPassword: { enabled: true },
		plugins: [jwt({ jwks: { rotationInterval: 3600 } })],
	});
	await auth.$context; // which reads the environment
	const handle = toNodeHandler(auth);
	let fetches = 0;
	server.on("request", (request, response) => {
		switch (request.url) {
			case "/test/rotate":
				for (const key of tables.jwks) key.expiresAt = new Date(Date.now() - 1);
				return response.writeHead(204).end();
			case "/test/fetches":
				return response.end(String(fetches));
			case "/api/auth/jwks":
				fetches++;
		}
		handle(request, response);
	});
	return process.env.BETTER_AUTH_URL;
}
