// A Better Auth server as a project has it: its settings are BETTER_AUTH_URL and
// BETTER_AUTH_SECRET, users sign up with an e-mail address, and the jwt plugin
// makes tokens with its default keys.
//
// PORT says where it listens on 127.0.0.1, and 0 or nothing means any free port;
// {port} in BETTER_AUTH_URL stands for it. The first line of its output is
// BETTER_AUTH_URL. It ends when its standard input does.
//
// Beside Better Auth's own routes it has these:
//
//	POST /test/rotate   its keys have expired, as after the rotation interval: the next token has a new one
//	GET  /test/fetches  how often its key set was fetched
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";

const server = createServer().listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
	process.env.BETTER_AUTH_URL = process.env.BETTER_AUTH_URL.replace("{port}", server.address().port);
	serve();
	console.log(process.env.BETTER_AUTH_URL);
});
process.stdin.on("close", () => process.exit()).resume();

function serve() {
	const tables = { user: [], session: [], account: [], verification: [], jwks: [] };
	const auth = betterAuth({
		database: memoryAdapter(tables),
		emailAndPassword: { enabled: true },
		plugins: [jwt({ jwks: { rotationInterval: 3600 } })],
	});
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
}
