// Counts what agents pay for docket's tools and lists, in tokens of o200k, and fails
// when it is more than is promised. Prints one line for each figure.
//
// The argument is the URL of a server without authentication.
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";

const base = process.argv[2];
let failed = false;

function report(what, text, most) {
	const tokens = countTokens(text);
	console.log(`${tokens} tokens (at most ${most}): ${what}`);
	if (tokens > most) failed = true;
}

async function rpc(user, method, params = {}) {
	const answer = await fetch(`${base}/api/${user}/mcp`, {
		method: "POST",
		headers: { "Content-Type": "application/json", Accept: "application/json", "MCP-Protocol-Version": "2025-11-25" },
		body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
	});
	const text = await answer.text();
	if (answer.status !== 200) throw new Error(`${method}: ${answer.status} ${text}`);
	return JSON.parse(text).result;
}

async function call(user, name, args) {
	const { content, isError } = await rpc(user, "tools/call", { name, arguments: args });
	if (isError) throw new Error(`${name}: ${content[0].text}`);
	return content[0].text;
}

// A model gets of each tool its name, title, description, schema and hints.
const { tools } = await rpc("tokens", "tools/list");
report(`the ${tools.length} tools`, JSON.stringify(tools), 1300);
for (const tool of tools) console.log(`  ${countTokens(JSON.stringify(tool))} ${tool.name}`);

const errands = ["Buy milk and bread", "Call the dentist", "Renew the passport", "Write the report for Monday", "Water the plants"];
await call("tokens", "add_tasks", { tasks: Array.from({ length: 25 }, (_, i) => ({ title: errands[i % 5] })) });

// How many tokens an id takes depends on its digits, and those of tasks made together are
// alike. So the ids of the answer are replaced by others, and the median counts.
const list = await call("tokens", "list_tasks", {});
const samples = Array.from({ length: 301 }, () => withIDsOf(list, Math.random() * 4e12)).sort((a, b) => countTokens(a) - countTokens(b));
report("a list of 25 pending tasks", samples[150], 1100);
console.log(`  ${countTokens(samples[0])} to ${countTokens(samples[300])}, by when the tasks were made`);

function withIDsOf(text, time) {
	const prefix = Math.floor(time).toString(16).padStart(12, "0");
	return text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-(7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})/g, `${prefix.slice(0, 8)}-${prefix.slice(8)}-$1`);
}

// Texts of which a character takes many tokens, in tasks as long as they may be.
const scripts = {
	letters: (i) => "abcdefghijklmnopqrstuvwxyz"[(i * 7 + (i * i) % 11) % 26],
	capitals: (i) => "QXZJKVWQ"[(i * i + i) % 8],
	symbols: (i) => "~^|`\\\"§±"[i % 8],
	digits: (i) => String((i * i) % 10),
	"Cyrillic letters": (i) => String.fromCodePoint(0x430 + ((i * 7) % 32)),
	"rare ideographs": (i) => String.fromCodePoint(0x20000 + ((i * 131) % 40000)),
	emoji: (i) => String.fromCodePoint(0x1f300 + ((i * 37) % 600)),
	controls: (i) => String.fromCodePoint(1 + (i % 8)),
};
for (const [script, character] of Object.entries(scripts)) {
	const text = (length) => Array.from({ length }, (_, i) => character(i)).join("");
	const user = `tokens-${script}`;
	const task = { title: "x" + text(498) + "x", description: text(5000), tags: Array.from({ length: 20 }, (_, i) => "t" + text(47) + i) };
	const answers = [];
	for (let n = 0; n < 3; n++) answers.push(await call(user, "add_tasks", { tasks: Array(20).fill(task) }));
	const listed = await call(user, "list_tasks", { limit: 100, details: true });
	const longest = [...answers, listed].sort((a, b) => b.length - a.length)[0];
	report(`the longest answer with tasks full of ${script} (${JSON.parse(listed).tasks.length} listed)`, longest, 20000);
	let { cursor } = JSON.parse(listed), seen = JSON.parse(listed).tasks.length;
	while (cursor) {
		const page = JSON.parse(await call(user, "list_tasks", { limit: 100, details: true, cursor }));
		({ cursor } = page);
		seen += page.tasks.length;
	}
	if (seen !== 60) throw new Error(`${script}: ${seen} of 60 tasks were listed`);
}
process.exit(failed ? 1 : 0);
