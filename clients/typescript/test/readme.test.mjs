// Compiles every block of the README strictly, and runs those that are not React's. Those of
// React are run by app.test.mjs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { startServer } from "./server.mjs";

const root = new URL("..", import.meta.url).pathname;
const page = readFileSync(`${root}README.md`, "utf8");

export function blocks(language) {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map((match) => match[1]);
}

test("the README's blocks compile, and run", async () => {
  const { url } = await startServer();
  const dir = `${root}build/readme`;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${dir}/script.mts`, blocks("ts").join("\n").replaceAll("http://127.0.0.1:8000", url));
  writeFileSync(`${dir}/App.tsx`, blocks("tsx").join("\n"));
  assert.equal(blocks("tsx").length, 1);
  assert.ok(blocks("tsx")[0].split("\n").filter(Boolean).length <= 15, "React takes 15 lines at most");
  const options = { strict: true, target: "ES2022", module: "NodeNext", jsx: "react-jsx", types: ["node"], lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"] };
  writeFileSync(`${dir}/tsconfig.json`, JSON.stringify({ compilerOptions: options, files: ["script.mts", "App.tsx"] }));
  execFileSync("node_modules/.bin/tsc", ["-p", dir], { cwd: root, stdio: "inherit" });
  const out = execFileSync("node", ["script.mjs"], { cwd: dir, encoding: "utf8" });
  assert.match(out, /^1 undefined\nBuy milk\n422 invalid-input The title is empty[^\n]* \/title\n2\nHeard\n/);
  assert.match(out, /title: 'Offline'/);
  assert.match(out, / 0\n$/); // nothing is unsent at the end
});
