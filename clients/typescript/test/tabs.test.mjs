// Tabs of one browser share a copy; one of them talks to the server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "docket-client";
import { openContext, serious } from "./browser.mjs";
import { eventually, newUser, startServer } from "./server.mjs";
import { secret, sign } from "./token.mjs";

const server = await startServer();

/** Opens a tab with a replica, as window.replica. window.network tells what its requests meet. */
async function openTab(context, user) {
  const tab = await context.newPage();
  tab.streams = 0;
  tab.on("request", (request) => (tab.streams += Number(request.url().endsWith("/events"))));
  await tab.goto(`${server.url}/problems/invalid-input`);
  await tab.evaluate(async (user) => {
    const { createClient, createReplica, indexedDBStorage } = await import("/client/docket.js");
    const network = (window.network = { off: false, deaf: false });
    const send = async (...args) => {
      if (network.off) throw new TypeError("off");
      const response = await fetch(...args);
      network.answered = true;
      return network.deaf && args[1].method !== "GET" ? new Promise(() => {}) : response;
    };
    const client = createClient({ baseUrl: location.origin, user, fetch: send });
    window.replica = createReplica({ client, storage: indexedDBStorage() });
    window.told = [];
    replica.on("storage", (error) => told.push(error.name));
    replica.on("conflict", ({ mine }) => told.push(mine));
    replica.start();
    await replica.ready();
  }, user);
  return tab;
}

const create = (tab, title) => tab.evaluate((title) => replica.create({ title }).id, title);
const titles = (tab) => tab.evaluate(() => replica.tasks().map(({ title }) => title).join());
const status = (tab) => tab.evaluate(() => `${replica.status.state} ${replica.status.unsent}`);
const shows = (tab, want) => eventually(`it shows ${want}`, async () => (await titles(tab)) === want);
const is = (tab, want) => eventually(`it is ${want}`, async () => (await status(tab)) === want);

async function open() {
  const context = await openContext();
  const user = newUser("tabs");
  const client = createClient({ baseUrl: server.url, user });
  return { context, user, stored: async () => (await client.tasks.list()).tasks.map(({ title }) => title).join(), client, tab: () => openTab(context, user) };
}

test("one of the tabs leads; when it is closed, the next one does", async () => {
  const { tab, stored, context, client } = await open();
  const [first, second, third] = [await tab(), await tab(), await tab()];
  await is(first, "live 0");
  const id = await create(second, "one");
  await shows(first, "one");
  await shows(third, "one");
  for (const each of [first, second, third]) await is(each, "live 0");
  assert.equal(await stored(), "one");
  assert.deepEqual([first.streams > 0, second.streams, third.streams], [true, 0, 0]);

  // A conflict is told in every tab.
  await first.evaluate(() => (network.off = true));
  await second.evaluate((id) => replica.update(id, { title: "mine" }), id);
  await client.tasks.update(id, { title: "theirs" });
  await first.evaluate(() => (network.off = false));
  for (const each of [first, second, third]) {
    await eventually("the conflict is told", async () => (await each.evaluate(() => told.length)) === 1);
    await shows(each, "theirs");
  }

  await first.close();
  await create(third, "two");
  await shows(second, "theirs,two");
  await is(second, "live 0");
  await is(third, "live 0");
  assert.equal(await stored(), "theirs,two");
  assert.ok(second.streams > 0);
  await context.close();
});

test("a tab that is killed in the middle of a write: the next one sends the same again", async () => {
  const { tab, stored, context } = await open();
  const first = await tab();
  await is(first, "live 0");
  await first.evaluate(() => (network.deaf = true));
  await create(first, "once");
  await eventually("the server has it", async () => (await stored()) === "once");
  assert.equal(await status(first), "live 1");
  const session = await first.createCDPSession();
  void session.send("Page.crash").catch(() => {});
  const second = await tab();
  await is(second, "live 0");
  assert.deepEqual([await titles(second), await stored()], ["once", "once"]);
  await context.close();
});

test("a tab that is killed before it could tell: its change is found", async () => {
  const { tab, stored, context } = await open();
  const [leader, other] = [await tab(), await tab()];
  await is(leader, "live 0");
  await other.evaluate(() => (BroadcastChannel.prototype.postMessage = () => {}));
  await create(other, "silent");
  await eventually("it is stored", () =>
    other.evaluate(async () => {
      const [{ name }] = await indexedDB.databases();
      const database = await new Promise((resolve) => (indexedDB.open(name).onsuccess = (event) => resolve(event.target.result)));
      const count = await new Promise((resolve) => (database.transaction("records").objectStore("records").count(IDBKeyRange.bound("change/", "change0")).onsuccess = (event) => resolve(event.target.result)));
      database.close();
      return count === 1;
    }));
  await other.close();
  await shows(leader, "silent"); // with the server's next sign of life
  await eventually("it is sent", async () => (await stored()) === "silent");
  await context.close();
});

test("a browser without room: everything is sent, and the tab goes on", async () => {
  const { tab, stored, context } = await open();
  const first = await tab();
  await is(first, "live 0");
  const session = await first.createCDPSession();
  await session.send("Storage.overrideQuotaForOrigin", { origin: server.url, quotaSize: 1 });
  await create(first, "x".repeat(400));
  await first.evaluate(() => replica.create({ title: "large", description: "x".repeat(5000) }));
  await eventually("it is told", async () => (await first.evaluate(() => told.length)) > 0);
  assert.ok((await first.evaluate(() => told)).every((name) => name === "QuotaExceededError"));
  await is(first, "live 0");
  assert.match(await stored(), /^x+,large$/);
  await context.close();
});

test("signing out leaves nothing", async () => {
  const { tab, context, stored } = await open();
  const first = await tab();
  await is(first, "live 0");
  await create(first, "secret");
  await is(first, "live 0");
  await first.evaluate(() => (network.off = true));
  await create(first, "unsent");
  await first.evaluate(() => replica.close({ forget: true }));
  const second = await tab();
  assert.equal(await titles(second).then((shown) => shown.includes("unsent")), false);
  await is(second, "live 0");
  assert.deepEqual([await titles(second), await stored()], ["secret", "secret"]);
  await context.close();
});

test("the page at / has no serious fault of accessibility", async () => {
  const context = await openContext();
  const page = await context.newPage();
  await page.goto(`${server.url}/`);
  const faults = await serious(page);
  await page.type("#who", "ada\n");
  await page.type("#title", "A task\n");
  await page.waitForSelector("#tasks li");
  await page.click("#data summary");
  await page.click("#set");
  await page.click("#more");
  assert.deepEqual([...faults, ...(await serious(page))], []);
  await context.close();
});

test("the page at / takes an API key for one, and never for a user", async () => {
  const { url } = await startServer({ AUTH_SECRET: secret });
  const user = "ada|é";
  const client = createClient({ baseUrl: url, user, token: sign(user, Math.floor(Date.now() / 1000) + 900) });
  const { key } = await client.keys.create({ name: "page", scopes: ["tasks:write"] });
  const context = await openContext();
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${url}/`);
  const text = (selector) => page.$eval(selector, (element) => element.textContent);
  for (const broken of ["dkt_YWRh", "dkt_.x.y", "dkt_!.x.y", "dkt_gICA.x.y"]) {
    await page.$eval("#why", (why) => (why.textContent = ""));
    await page.type("#who", `${broken}\n`);
    await eventually("it is told", async () => (await text("#why")) === "This API key is not complete. Paste all of it.");
  }
  await page.type("#who", `${key}\n`);
  await eventually("it is live", async () => (await text("#status")) === `${user} · Live`);
  const kept = await page.evaluate(async () => [document.title, JSON.parse(sessionStorage.docket).user, ...(await indexedDB.databases()).map(({ name }) => name)]);
  assert.deepEqual(kept, [`${user} · Docket`, user, `docket/${client.url}`]);
  assert.deepEqual(asked.filter((address) => address.includes("dkt_")), []);
  await context.close();
});
