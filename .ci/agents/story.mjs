// Lets the official clients of both generations do a day's work: add 30 tasks, search,
// complete 10 by id, delete 5, restore 5; and find themselves refused with a key that
// may only read.
import * as next from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { expect, secret, startDocket, token } from "./docket.mjs";

const docket = await startDocket({ AUTH_SECRET: secret });

const generations = {
	"client 2.4 on 2026-07-28": async (bearer) => {
		const client = new next.Client({ name: "story", version: "1" }, { versionNegotiation: { mode: "auto" } });
		await client.connect(new next.StreamableHTTPClientTransport(new URL("/mcp", docket.url), headers(bearer)));
		expect("the revision", client.getNegotiatedProtocolVersion(), "2026-07-28");
		return client;
	},
	"sdk 1.32 on 2025-11-25": async (bearer) => {
		const client = new Client({ name: "story", version: "1" });
		const transport = new StreamableHTTPClientTransport(new URL("/mcp", docket.url), headers(bearer));
		await client.connect(transport);
		expect("the revision", transport.protocolVersion, "2025-11-25");
		return client;
	},
};

function headers(bearer) {
	return { requestInit: { headers: { Authorization: `Bearer ${bearer}` } } };
}

async function story(name, connect) {
	const user = `user of ${name}`;
	const client = await connect(token(user));
	const call = async (tool, args) => {
		const result = await client.callTool({ name: tool, arguments: args });
		const { text } = result.content[0];
		if (result.isError) throw new Error(`${tool}: ${text}`);
		return JSON.parse(text);
	};
	const { tools } = await client.listTools();
	expect("tools", tools.map((tool) => tool.name), ["add_tasks", "delete_tasks", "list_tasks", "restore_tasks", "update_tasks"]);

	const wanted = Array.from({ length: 30 }, (_, i) => ({ title: `Task ${i} ${i % 3 ? "of work" : "at home"}`, priority: i % 2 ? "high" : "low" }));
	const added = await call("add_tasks", { tasks: wanted, key: "monday" });
	expect("added", added.tasks.length, 30);
	const again = await call("add_tasks", { tasks: wanted, key: "monday" });
	expect("added again", again.tasks, added.tasks);

	const found = await call("list_tasks", { query: "AT HOME", limit: 100 });
	expect("found", found.tasks.length, 10);
	const ids = found.tasks.map((task) => task.id);
	const updated = await call("update_tasks", { tasks: found.tasks.map(({ id, version }) => ({ id, completed: true, if_version: version })) });
	expect("completed", updated.tasks.filter((task) => task.completed).length, 10);
	expect("priorities", updated.tasks.filter((task) => task.priority === "low").length, 5);
	expect("pending", (await call("list_tasks", { limit: 100 })).tasks.length, 20);

	const { deleted } = await call("delete_tasks", { ids: ids.slice(0, 5) });
	expect("deleted", deleted, ids.slice(0, 5));
	expect("in the trash", (await call("list_tasks", { status: "deleted" })).tasks.length, 5);
	await call("restore_tasks", { ids: deleted });
	expect("all", (await call("list_tasks", { status: "all", limit: 100 })).tasks.length, 30);
	await client.close();

	const reader = await connect(token(user, "tasks:read"));
	expect("tools of a reader", (await reader.listTools()).tools.map((tool) => tool.name), ["list_tasks"]);
	expect("read", (await reader.callTool({ name: "list_tasks", arguments: {} })).isError ?? false, false);
	const refused = await reader.callTool({ name: "delete_tasks", arguments: { ids } }).then((result) => result, (error) => error);
	if (!/insufficient|scope/i.test(String(refused))) throw new Error(`a reader deletes: ${refused}`);
	await reader.close();
	console.log(`${name}: 30 added once, 10 completed, 5 deleted and restored; a reader is refused`);
}

try {
	for (const [name, connect] of Object.entries(generations)) await story(name, connect);
	const revisions = docket.log().match(/"route":"POST \/mcp"/g).length;
	console.log(`${revisions} requests`);
} finally {
	await docket.stop();
}
