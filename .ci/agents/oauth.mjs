// Connects the official client to docket as a user without any token does: it is told by
// a 401 where tokens come from, registers with Better Auth, which is there as projects
// have it with its plugins for JWTs and OAuth, sends its user to sign in and consent,
// and ends with calls of tools.
import { createServer } from "node:http";
import { oauthProvider, oauthProviderAuthServerMetadata } from "@better-auth/oauth-provider";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { expect, freePort, startDocket } from "./docket.mjs";

const callback = "http://127.0.0.1:9/callback"; // where the client would listen
const publicURL = `http://127.0.0.1:${await freePort()}`;

const issuer = createServer().listen(0, "127.0.0.1");
await new Promise((resolve) => issuer.on("listening", resolve));
const origin = `http://localhost:${issuer.address().port}`;
const auth = betterAuth({
	baseURL: origin,
	secret: "a secret of Better Auth, with enough bytes",
	database: memoryAdapter({
		user: [], session: [], account: [], verification: [], jwks: [], oauthClient: [], oauthResource: [], oauthClientResource: [],
		oauthRefreshToken: [], oauthAccessToken: [], oauthConsent: [], oauthClientAssertion: [],
	}),
	emailAndPassword: { enabled: true },
	plugins: [
		jwt({ jwt: { issuer: origin } }), // one issuer for the tokens of front-ends and of agents
		oauthProvider({
			loginPage: "/sign-in",
			consentPage: "/consent",
			scopes: ["openid", "offline_access", "tasks:read", "tasks:write"],
			resources: [`${publicURL}/mcp`],
			clientRegistrationDefaultResources: [`${publicURL}/mcp`],
			allowDynamicClientRegistration: true,
			allowUnauthenticatedClientRegistration: true,
		}),
	],
});
const handle = toNodeHandler(auth);
const metadata = oauthProviderAuthServerMetadata(auth);
issuer.on("request", async (request, response) => {
	if (!request.url.startsWith("/.well-known/oauth-authorization-server")) return handle(request, response);
	const answer = await metadata(new Request(origin + request.url));
	response.writeHead(answer.status, { "Content-Type": "application/json" }).end(await answer.text());
});

const docket = await startDocket({ PORT: new URL(publicURL).port, PUBLIC_URL: publicURL, BETTER_AUTH_URL: origin });

/** Is a user who signs in and consents. Returns what the browser is sent to. */
async function consent(authorizationURL, cookie) {
	const asked = await (await fetch(authorizationURL, { headers: { Cookie: cookie } })).json(); // a redirect, as fetch gets it
	const page = new URL(asked.url, origin);
	expect("the page", page.pathname, "/consent");
	const answered = await fetch(`${origin}/api/auth/oauth2/consent`, {
		method: "POST",
		headers: { "Content-Type": "application/json", Cookie: cookie, Origin: origin },
		body: JSON.stringify({ accept: true, oauth_query: page.search.slice(1) }),
	});
	const text = await answered.text();
	if (!answered.ok) throw new Error(`consent: ${answered.status} ${text}`);
	const { redirect_uri, url } = JSON.parse(text);
	return new URL(redirect_uri ?? url);
}

/** The part of a client that keeps its credentials. */
class Credentials {
	redirectUrl = callback;
	clientMetadata = { client_name: "agent", redirect_uris: [callback], grant_types: ["authorization_code", "refresh_token"], token_endpoint_auth_method: "none" };
	clientInformation() { return this.client; }
	saveClientInformation(client) { this.client = client; }
	tokens() { return this.saved; }
	saveTokens(tokens) { this.saved = tokens; }
	redirectToAuthorization(url) { this.authorization = url; }
	saveCodeVerifier(verifier) { this.verifier = verifier; }
	codeVerifier() { return this.verifier; }
	saveDiscoveryState(state) { this.discovery = state; }
	discoveryState() { return this.discovery; }
}

try {
	const signedUp = await fetch(`${origin}/api/auth/sign-up/email`, {
		method: "POST",
		headers: { "Content-Type": "application/json", Origin: origin },
		body: JSON.stringify({ name: "Ada", email: "ada@example.com", password: "correct horse battery" }),
	});
	const cookie = signedUp.headers.get("Set-Cookie").split(";")[0];
	const { user } = await signedUp.json();

	const first = await fetch(`${publicURL}/mcp`, { method: "POST", body: "{}" });
	expect("without a token", first.status, 401);
	expect("the challenge", first.headers.get("WWW-Authenticate"), `Bearer realm="docket", resource_metadata="${publicURL}/.well-known/oauth-protected-resource/mcp"`);

	const credentials = new Credentials();
	const transport = () => new StreamableHTTPClientTransport(new URL("/mcp", publicURL), { authProvider: credentials });
	const refused = transport();
	try {
		await new Client({ name: "agent", version: "1" }).connect(refused);
		throw new Error("docket took a client without a token");
	} catch (error) {
		if (!(error instanceof UnauthorizedError)) throw error;
	}
	expect("the scopes asked for", credentials.authorization.searchParams.get("scope").split(" ").filter((scope) => scope.startsWith("tasks:")), ["tasks:read", "tasks:write"]);
	expect("the resource asked for", credentials.authorization.searchParams.get("resource"), `${publicURL}/mcp`);
	await refused.finishAuth((await consent(credentials.authorization, cookie)).searchParams);

	const client = new Client({ name: "agent", version: "1" });
	await client.connect(transport());
	const call = async (name, args) => {
		const result = await client.callTool({ name, arguments: args });
		if (result.isError) throw new Error(`${name}: ${result.content[0].text}`);
		return JSON.parse(result.content[0].text);
	};
	const added = await call("add_tasks", { tasks: [{ title: "Of an agent" }] });
	const listed = await call("list_tasks", { user_id: user.id });
	expect("the tasks", listed.tasks, added.tasks);
	await client.close();

	// The token is for /mcp alone. One of a front-end reaches the same tasks by the API.
	const bearer = credentials.saved.access_token;
	const claims = JSON.parse(Buffer.from(bearer.split(".")[1], "base64url"));
	expect("the subject", claims.sub, user.id);
	const elsewhere = await fetch(`${publicURL}/api/${user.id}/tasks`, { headers: { Authorization: `Bearer ${bearer}` } });
	expect("the agent's token on the API", elsewhere.status, 401);
	const { token } = await (await fetch(`${origin}/api/auth/token`, { headers: { Cookie: cookie } })).json();
	const own = await fetch(`${publicURL}/api/${user.id}/tasks`, { headers: { Authorization: `Bearer ${token}` } });
	expect("the front-end's tasks", (await own.json()).map((task) => task.title), ["Of an agent"]);
	console.log(`OAuth with Better Auth: from a 401 to a call; aud ${JSON.stringify(claims.aud)}, scope "${claims.scope}"`);
} finally {
	await docket.stop();
	issuer.close();
	issuer.closeAllConnections();
}
