// Makes an application as the README says, with the packed tarball, and opens two windows of it.
import { execSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openContext } from "../browser.mjs";
import { eventually, startServer } from "../server.mjs";

const page = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const block = (language) => page.match(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms"))[1];
const dir = mkdtempSync(join(tmpdir(), "docket-app-"));
const vite = { child: undefined };

after(() => {
  if (vite.child) process.kill(-vite.child.pid);
  rmSync(dir, { recursive: true, force: true });
});

test("an application made in an empty folder: two windows in step", async () => {
  const [, create, install] = block("sh").trim().split("\n");
  const run = (command) => execSync(command, { cwd: dir, stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, npm_config_yes: "true" } });
  run(create.replace("vite@latest", "vite@9.3.0").replace("-- ", "-- --no-interactive "));
  run(install.replace("--install-links ../docket/clients/typescript", process.env.PACKAGE));
  const app = join(dir, "my-tasks");

  vite.child = spawn("npm", ["run", "dev", "--", "--host", "127.0.0.1", "--port", "0"], { cwd: app, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  let log = "";
  vite.child.stdout.on("data", (part) => (log += part));
  const origin = await eventually("vite serves", () => log.replaceAll(/\u001b\[\d*m/g, "").match(/http:\/\/127\.0\.0\.1:\d+/)?.[0]);
  const { url } = await startServer({ CORS_ORIGINS: origin });
  writeFileSync(join(app, "src/App.tsx"), block("tsx").replace("http://127.0.0.1:8000", url));
  execSync("npx tsc -b", { cwd: app, stdio: "inherit" });

  const windows = [];
  for (let i = 0; i < 2; i++) {
    const window = await (await openContext()).newPage();
    await window.goto(origin);
    await window.waitForSelector("input[name=title]");
    windows.push(window);
  }
  const [a, b] = windows;
  const shown = (window) => window.$$eval("label", (labels) => labels.map((label) => `${label.querySelector("input").checked ? "x" : "-"} ${label.textContent}`).join());
  const both = (want) => eventually(`both show ${want}`, async () => (await shown(a)) === want && (await shown(b)) === want);
  await a.type("input[name=title]", "Buy milk\n");
  await both("- Buy milk");
  await b.type("input[name=title]", "Call Bob\n");
  await both("- Call Bob,- Buy milk");
  await a.click("label:nth-of-type(1) input[type=checkbox]");
  await both("x Call Bob,- Buy milk");
});
