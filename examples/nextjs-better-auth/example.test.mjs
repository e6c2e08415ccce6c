// Builds the example, and uses it in Chromium as its users do.
import assert from "node:assert/strict";
import { execSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openContext, serious, shoot } from "../../clients/typescript/test/browser.mjs";
import { eventually, freePort } from "../../clients/typescript/test/server.mjs";

const cwd = new URL(".", import.meta.url).pathname;
const data = mkdtempSync(join(tmpdir(), "docket-example-"));
let child;

after(async () => {
  if (child) {
    child.kill();
    await once(child, "exit");
  }
  rmSync(data, { recursive: true });
});

test("users sign up and have tasks, offline and in several windows", async () => {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", DATA: data, PORT: String(await freePort()), DOCKET_PORT: String(await freePort()) };
  const run = (command) => execSync(command, { cwd, env, stdio: ["ignore", "ignore", "inherit"] });
  run("npm install --no-audit --no-fund --loglevel=error");
  run(`npm install --no-save --no-audit --no-fund --loglevel=error ${process.env.PACKAGE}`); // as it is now
  run("node_modules/.bin/next build");
  child = spawn("node", ["start.mjs"], { cwd, env: { ...env, NODE_ENV: "production" }, stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://localhost:${env.PORT}`;
  await eventually("it serves", () => fetch(url).then((response) => response.ok, () => false));

  const context = await openContext();
  const open = async (where) => {
    const window = await where.newPage();
    await window.goto(url);
    return window;
  };
  const shows = (window, want) =>
    eventually(`it shows ${want}`, async () => {
      const rows = await window.$$eval("li", (items) => items.map((item) => [item.querySelector("input").checked ? "x" : "-", item.querySelector("span").textContent, item.querySelector("small").textContent].filter(Boolean).join(" ")));
      return rows.join() === want;
    });
  const add = async (window, title, due, tags) => {
    await window.type("input[name=title]", title);
    if (due) await window.$eval("input[name=due]", (input, due) => (input.value = due), due);
    if (tags) await window.type("input[name=tags]", tags);
    await window.keyboard.press("Enter");
  };
  const state = (window, want) => window.waitForFunction((want) => document.querySelector("[role=status]")?.textContent === want, {}, want);
  const press = (window, text) => window.evaluate((text) => [...document.querySelectorAll("button")].find((button) => button.textContent === text).click(), text);
  const enter = async (window, fields) => {
    for (const [name, value] of Object.entries(fields)) await window.type(`input[name=${name}]`, value);
    await window.keyboard.press("Enter");
    await state(window, "live");
  };

  const first = await open(context);
  assert.deepEqual(await serious(first), []);
  await shoot(first, "sign-in");
  await press(first, "I am new here");
  await enter(first, { name: "Ada", email: "ada@example.com", password: "a long password" });
  const elsewhere = await open(await openContext());
  await enter(elsewhere, { email: "ada@example.com", password: "a long password" });
  const second = await open(context);
  await state(second, "live");

  await add(first, "Renew passport", "2099-12-01", "errands, home");
  await add(second, "Buy milk", "2099-11-01");
  for (const window of [first, second, elsewhere]) await shows(window, "- Buy milk 2099-11-01,- Renew passport 2099-12-01 #errands #home");
  await elsewhere.click("li input");
  for (const window of [first, second]) await shows(window, "x Buy milk 2099-11-01,- Renew passport 2099-12-01 #errands #home");
  await second.type("input[type=search]", "ERRAND");
  await shows(second, "- Renew passport 2099-12-01 #errands #home");
  assert.deepEqual(await serious(first), []);
  await shoot(first, "tasks");

  for (const window of [first, second]) await window.setOfflineMode(true);
  await state(first, "offline");
  await add(first, "Written on the train");
  await state(first, "offline, 1 unsent");
  await shoot(first, "offline");
  for (const window of [first, second]) await window.setOfflineMode(false);
  await shows(elsewhere, "x Buy milk 2099-11-01,- Renew passport 2099-12-01 #errands #home,- Written on the train");
  await state(first, "live");

  await press(elsewhere, "Sign out");
  await elsewhere.waitForSelector("input[name=password]");
  assert.deepEqual(await elsewhere.evaluate(async () => {
    const counts = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise((resolve) => (indexedDB.open(name).onsuccess = (event) => resolve(event.target.result)));
      counts.push(await new Promise((resolve) => (database.transaction("records").objectStore("records").count().onsuccess = (event) => resolve(event.target.result))));
    }
    return counts;
  }), [0]);
});
