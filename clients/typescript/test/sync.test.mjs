// What a replica does while its copy is missing, or of another history: nothing is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStorage } from "docket-client/replica";
import { Mirror } from "../dist/replica/mirror.js";
import { TestClock } from "./clock.mjs";
import { live, open, openNetwork, server, titles } from "./replica.mjs";
import { eventually } from "./server.mjs";

const problem = (status, kind) => Response.json({ type: `/problems/${kind}`, detail: kind }, { status, headers: { "Content-Type": "application/problem+json" } });

/** Waits for what should not happen, half a second at most. */
async function perhaps(condition) {
  for (let i = 0; i < 50 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("changes that were kept without the copy are compared with the server's tasks", async () => {
  const inner = memoryStorage();
  const full = {
    ...inner,
    save: async (entries) => {
      if (entries.some(([key, value]) => key.startsWith("task/") && value)) throw new DOMException("full", "QuotaExceededError");
      return inner.save(entries);
    },
  };
  const { network, replica, told, direct, user } = open({ storage: full });
  replica.start();
  const [first, edited, deleted] = ["a", "b", "c"].map((title) => replica.create({ title }));
  await replica.settled();
  await eventually("the storage is full", () => told.storage.length > 0);
  network.off = true;
  network.cut();
  replica.update(first.id, { title: "first" }); // it may be on its way already
  replica.update(edited.id, { title: "edited" });
  replica.delete(deleted.id);
  await replica.close();
  const slow = openNetwork(async (url) => void (url.includes("/changes") && (await perhaps(() => next.replica.status.unsent === 0))));
  const next = open({ user, storage: inner, network: slow });
  next.replica.start();
  await next.replica.settled();
  assert.deepEqual(next.told.conflict, []);
  assert.deepEqual((await direct.tasks.list()).tasks.map(({ title }) => title), ["first", "edited"]);
  await next.replica.close();
});

test("what is answered while all is asked for at the start is kept", async () => {
  let hear;
  const heard = new Promise((resolve) => (hear = resolve));
  const network = openNetwork(async (url, options) => {
    if (url.endsWith("/events")) await heard;
    if (!url.includes("/changes")) return;
    const response = await fetch(url, options);
    await perhaps(() => replica.status.unsent === 0);
    return response; // older than the task
  });
  const { replica, told, direct } = open({ network });
  replica.start();
  const { id } = replica.create({ title: "a" });
  await eventually("the copy is there", () => network.requests.includes("GET events"));
  await replica.settled();
  replica.update(id, { title: "b" });
  await replica.settled();
  hear();
  assert.equal((await direct.tasks.get(id)).title, "b");
  assert.deepEqual(told.conflict, []);
  await replica.close();
});

test("what is answered while all is asked for again is kept", async () => {
  let step = "live";
  let hear;
  const heard = new Promise((resolve) => (hear = resolve));
  const network = openNetwork(async (url, options) => {
    if (step === "live") return;
    if (options.method === "PATCH") {
      await eventually("the stream has ended", () => step !== "cut");
      await perhaps(() => step === "read");
    } else if (url.endsWith("/events") && step === "cut") {
      step = "resync";
      return new Response("event: resync\ndata: {}\n\n");
    } else if (url.endsWith("/events")) {
      await heard;
    } else if (url.includes("/changes")) {
      const response = await fetch(url, options);
      step = "read";
      await perhaps(() => replica.status.unsent === 0);
      return response;
    }
  });
  const { storage, replica, told, direct } = open({ network });
  replica.start();
  const { id } = replica.create({ title: "a" });
  await replica.settled();
  await eventually("its token is stored", async () => (await storage.load("next")).length > 0);
  step = "cut";
  replica.update(id, { title: "b" });
  await eventually("it is on its way", () => network.requests.includes(`PATCH tasks/${id}`));
  network.requests.length = 0;
  network.cut();
  await eventually("the copy is there again", () => network.requests.filter((request) => request === "GET events").length === 2);
  await replica.settled();
  replica.update(id, { title: "c" });
  await replica.settled();
  hear();
  assert.equal((await direct.tasks.get(id)).title, "c");
  assert.deepEqual(told.conflict, []);
  await replica.close();
});

test("a history that ends between two pages begins again", async () => {
  let pages = 0;
  const network = openNetwork((url) => {
    if (!url.includes("/changes") || ++pages > 2) return;
    return pages === 1 ? Response.json({ items: [], next: "x", has_more: true }) : problem(410, "sync-token-expired");
  });
  const { replica, direct } = open({ network });
  await direct.tasks.create({ title: "now" });
  replica.start();
  await eventually("it ends", () => ["live", "refused"].includes(replica.status.state));
  assert.deepEqual([replica.status.state, titles(replica)], ["live", ["now"]]);
  await replica.close();
});

const patches = (network) => network.requests.filter((request) => request.startsWith("PATCH")).length;

/** Waits until a change was refused and its task asked for, and long enough for more of it. */
async function refused(network, direct, id) {
  await eventually("its task is asked for", () => network.requests.includes(`GET tasks/${id}`));
  for (let i = 0; i < 10; i++) await direct.tasks.get(id);
}

test("a server that was restored from a backup is asked for all, and not for the same without pause", async () => {
  const clock = new TestClock();
  let send;
  const network = openNetwork((url, { headers, signal }) => {
    if (Object.fromEntries(headers)["Last-Event-ID"] !== "lost") return;
    const start = (controller) => {
      send = () => controller.enqueue(new TextEncoder().encode(": now\n\n"));
      signal.addEventListener("abort", () => controller.error(signal.reason));
      send();
    };
    return new Response(new ReadableStream({ start }));
  });
  const { user, storage, replica, told, direct } = open({ clock, network });
  const task = await direct.tasks.create({ title: "a" });
  await storage.open(`${server.url}/api/${user}`);
  await storage.save([[`task/${task.id}`, { ...task, version: 120 }], ["next", "lost"]]);
  replica.start();
  await live(replica);
  replica.update(task.id, { title: "b" });
  await refused(network, direct, task.id);
  assert.equal(patches(network), 1);
  send();
  await replica.settled();
  assert.equal((await direct.tasks.get(task.id)).title, "b");
  assert.deepEqual([patches(network), told.conflict], [2, []]);
  await replica.close();
});

test("where a proxy alters versions a change is not sent without pause", async () => {
  const clock = new TestClock();
  let altered = true;
  const network = openNetwork((_, { method }) => (altered && method === "PATCH" ? problem(412, "precondition-failed") : undefined));
  const { replica, told, direct } = open({ clock, network });
  const { id } = await direct.tasks.create({ title: "a" });
  replica.start();
  await live(replica);
  replica.update(id, { title: "b" });
  await refused(network, direct, id);
  assert.equal(patches(network), 1);
  altered = false;
  await clock.advance(1000);
  await replica.settled();
  assert.equal((await direct.tasks.get(id)).title, "b");
  assert.deepEqual(told.conflict, []);
  await replica.close();
});

test("a change that is made while a new leader reads the storage is kept", async () => {
  for (const begun of [false, true]) {
    const storage = memoryStorage();
    await storage.open("x");
    const saves = []; // begin one that waits
    const save = (entries) => new Promise((resolve) => saves.push(() => resolve(storage.save(entries))));
    const mirror = new Mirror({ ...storage, save }, { changed() {}, saved() {}, failed: assert.fail });
    const record = (key) => mirror.record({ key, kind: "create", id: key, at: "", fields: { title: key } });
    record("1");
    void mirror.flush();
    const loaded = mirror.load();
    record("2");
    if (begun) void mirror.flush();
    let over = false;
    void loaded.then(() => (over = true));
    await eventually("it has read", () => {
      saves.shift()?.();
      return over;
    });
    assert.deepEqual(mirror.outbox.map(({ key }) => key), ["1", "2"]);
  }
});

test("any number of queries keep their arrays while their tasks stay the same", async () => {
  const { user, network, storage, replica } = open();
  const queries = Array.from({ length: 150 }, (_, i) => ({ q: `task ${i}` }));
  await storage.open(`${server.url}/api/${user}`);
  await storage.save(queries.map(({ q }, i) => [`task/${i}`, { id: `${i}`, title: q, version: i + 1 }]));
  network.off = true;
  replica.start();
  await replica.ready();
  const ask = () => queries.map((query) => replica.tasks(query));
  const first = ask();
  const same = () => ask().every((tasks, i) => tasks === first[i]);
  assert.ok(same(), "asked again");
  for (const title of ["another", "one more"]) {
    replica.create({ title });
    assert.ok(same(), title);
  }
  await replica.close();
});
