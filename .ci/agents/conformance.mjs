// Runs the scenarios of the conformance program that revisions of the protocol require,
// and fails when one fails that exceptions.json does not name, or when one passes that
// it names. An exception is a scenario, or one check of a scenario: "scenario/check".
//
// The arguments are the URL of the endpoint, and the revisions.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const [url, ...revisions] = process.argv.slice(2);
const here = import.meta.dirname;
const excused = new Set(Object.values(JSON.parse(readFileSync(join(here, "exceptions.json"), "utf8"))).flat());
const met = new Set();
let wrong = 0;

for (const revision of revisions) {
	const out = mkdtempSync(join(tmpdir(), "conformance-"));
	const program = join(here, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
	const ran = spawnSync(process.execPath, [program, "server", "--url", url, "--requirements", revision, "-o", out], { encoding: "utf8" });
	const files = readdirSync(out, { recursive: true }).filter((name) => name.endsWith("checks.json"));
	if (files.length === 0) throw new Error(`${revision}: nothing ran\n${ran.stdout}${ran.stderr}`);
	const passed = [];
	let checks = 0, excuses = 0;
	for (const file of files) {
		const scenario = dirname(file).split("/").pop().replace(/^server-(.*)-\d{4}-\d\d-\d\dT.*$/, "$1");
		const failures = JSON.parse(readFileSync(join(out, file), "utf8")).filter((check) => {
			if (check.status === "SUCCESS") checks++;
			return check.status === "FAILURE";
		});
		const unexcused = failures.filter(({ id }) => {
			const name = [scenario, `${scenario}/${id}`].find((name) => excused.has(name));
			if (name) met.add(name), excuses++;
			return !name;
		});
		for (const { id, errorMessage } of unexcused) console.error(`${revision} ${scenario}/${id}: ${errorMessage}`);
		wrong += unexcused.length;
		if (failures.length === 0) passed.push(scenario);
	}
	console.log(`conformance ${revision}: ${checks} checks passed, ${excuses} excused; without an exception: ${passed.sort().join(", ")}`);
	rmSync(out, { recursive: true });
}
for (const name of excused) {
	if (!met.has(name)) console.error(`exceptions.json names ${name}, which does not fail`), wrong++;
}
process.exit(wrong ? 1 : 0);
