import assert from "node:assert/strict";
import { test } from "node:test";
import { DocketError } from "docket-client";
import { memoryStorage } from "docket-client/replica";
import { TestClock } from "./clock.mjs";
import { live, open, openNetwork, server, titles } from "./replica.mjs";
import { eventually } from "./server.mjs";

test("what a user does is seen at once, and sent", async () => {
  const { replica, direct } = open();
  const seen = [];
  replica.subscribe(() => seen.push(replica.tasks().length));
  const made = replica.create({ title: " Offline ", tags: ["a", " a ", "b"] });
  assert.deepEqual([made.title, made.tags, made.unsent, replica.get(made.id)], ["Offline", ["a", "b"], true, made]);
  assert.deepEqual(replica.status, { state: "connecting", unsent: 1 });
  replica.start();
  await replica.settled();
  assert.equal((await direct.tasks.get(made.id)).title, "Offline");
  assert.equal(replica.get(made.id).unsent, undefined);
  replica.update(made.id, { completed: true });
  assert.ok(replica.get(made.id).completed_at);
  replica.delete(made.id);
  assert.deepEqual([replica.get(made.id), titles(replica, { deleted: true })], [undefined, ["Offline"]]);
  replica.restore(made.id);
  await replica.settled();
  assert.equal((await direct.tasks.get(made.id)).completed, true);
  assert.ok(seen.length > 4);
  await replica.close();
});

test("a query's answer stays the same array while its tasks stay the same", async () => {
  const { replica, direct } = open();
  replica.start();
  await live(replica);
  const { id } = replica.create({ title: "a", priority: "high" });
  await replica.settled();
  const high = replica.tasks({ priority: "high" });
  await direct.tasks.create({ title: "b" });
  await eventually("the other task arrives", () => replica.tasks().length === 2);
  assert.equal(replica.tasks({ priority: "high" }), high);
  const { status } = replica;
  replica.update(id, { title: "a" });
  assert.equal(replica.status, status, "what changes nothing is not sent");
  await replica.close();
});

test("what was not sent is sent by the next one with that storage", async () => {
  const { user, network, storage, replica, direct } = open();
  network.off = true;
  replica.start();
  const made = replica.create({ title: "Late" });
  await replica.close();
  const next = open({ user, storage });
  next.replica.start();
  await next.replica.ready();
  assert.deepEqual(titles(next.replica), ["Late"]);
  await next.replica.settled();
  assert.equal((await direct.tasks.get(made.id)).title, "Late");
  await next.replica.close();
});

test("one that was killed after the server's answer sends the same again", async () => {
  let answered;
  const network = openNetwork(async (url, options) => {
    if (options.method === "GET") return;
    const response = await fetch(url, options);
    if (response.ok) answered = true;
    throw new TypeError("the answer is lost");
  });
  const { user, storage, replica, direct } = open({ network });
  replica.start();
  const { id } = replica.create({ title: "Once" });
  await eventually("the server has it", () => answered);
  // It is killed: nothing more of it reaches the storage.
  const left = memoryStorage();
  await left.open(`${server.url}/api/${user}`);
  await storage.open(`${server.url}/api/${user}`);
  await left.save(await storage.load(""));
  await replica.close();

  const keys = [];
  const next = open({ user, storage: left, network: openNetwork((_, { method, headers }) => void (method === "PUT" && keys.push(Object.fromEntries(headers)["Idempotency-Key"]))) });
  const kept = (await left.load("change/")).map(([, change]) => change.sent.key);
  next.replica.start();
  await next.replica.settled();
  assert.deepEqual(keys, kept, "the key that was stored before it was sent");
  assert.deepEqual((await direct.tasks.list()).tasks.map((task) => [task.id, task.version]), [[id, 1]]);
  await next.replica.close();
});

test("fields that others changed are told, the rest is sent", async () => {
  const { network, replica, told, direct } = open();
  replica.start();
  await live(replica);
  const { id } = replica.create({ title: "a", metadata: { mine: 1, both: { x: 1, y: 1 } } });
  await replica.settled();
  network.off = true;
  network.cut();
  replica.update(id, { title: "mine", description: "mine", metadata: { mine: 2, both: { x: 2 } } });
  await direct.tasks.update(id, { title: "theirs", priority: "high", metadata: { theirs: 1, both: { x: 3, y: 2 } } });
  network.off = false;
  await replica.settled();
  const task = await direct.tasks.get(id);
  assert.deepEqual([task.title, task.description, task.priority, task.metadata], ["theirs", "mine", "high", { mine: 2, both: { x: 3, y: 2 }, theirs: 1 }]);
  assert.deepEqual(told.conflict.map(({ id, mine, theirs }) => ({ id, mine, theirs })), [
    { id, mine: { title: "mine", metadata: { both: { x: 2 } } }, theirs: { title: "theirs", metadata: { both: { x: 3 } } } },
  ]);
  told.conflict[0].keepMine();
  await replica.settled();
  assert.deepEqual((await direct.tasks.get(id)).metadata, { mine: 2, both: { x: 2, y: 2 }, theirs: 1 });
  assert.equal(told.conflict.length, 1);
  await replica.close();
});

test("a form that showed an older task does not overwrite what came since", async () => {
  const { replica, told, direct } = open();
  replica.start();
  const { id } = replica.create({ title: "a" });
  await replica.settled();
  const shown = replica.get(id);
  await direct.tasks.update(id, { title: "theirs" });
  await eventually("it arrives", () => replica.get(id).title === "theirs");
  replica.update(id, { title: "mine" }, shown);
  await replica.settled();
  assert.deepEqual([told.conflict.length, replica.get(id).title], [1, "theirs"]);
  await replica.close();
});

test("a change of a task that was deleted, and a delete of one that was changed, are told", async () => {
  const { network, replica, told, direct } = open();
  replica.start();
  await live(replica);
  const { id } = replica.create({ title: "a" });
  const other = replica.create({ title: "b" });
  await replica.settled();
  network.off = true;
  network.cut();
  replica.update(id, { title: "mine" });
  replica.delete(other.id);
  await direct.tasks.delete(id);
  await direct.tasks.update(other.id, { title: "theirs" });
  network.off = false;
  await replica.settled();
  assert.deepEqual(told.conflict.map(({ mine, theirs }) => [mine, theirs?.title]), [[{ title: "mine" }, undefined], [null, "theirs"]]);
  for (const { keepMine } of told.conflict) keepMine();
  await replica.settled();
  assert.deepEqual((await direct.tasks.list()).tasks.map(({ title }) => title), ["mine"]);
  await replica.close();
});

test("what the server does not take is told and taken back", async () => {
  const { replica, told } = open();
  replica.start();
  const { id } = replica.create({ title: "a" });
  await replica.settled();
  replica.update(id, { title: "x".repeat(501) });
  const wrong = replica.create({ title: "b", due_date: "tomorrow" });
  replica.update(wrong.id, { priority: "low" });
  await replica.settled();
  assert.deepEqual(told.refused.map(({ id, error }) => [id, error.code]), [[id, "invalid-input"], [wrong.id, "invalid-input"]]);
  assert.deepEqual(titles(replica), ["a"]);
  await replica.close();
});

test("a server that is away for an hour is asked ever less often, then everything is sent", async () => {
  const clock = new TestClock();
  const { network, replica, direct } = open({ clock });
  replica.start();
  await eventually("it is live", async () => {
    await clock.advance(10);
    return replica.status.state === "live";
  });
  network.off = true;
  network.cut();
  await eventually("it is offline", async () => {
    await clock.advance(10);
    return replica.status.state === "offline";
  });
  for (let i = 0; i < 20; i++) replica.create({ title: `${i}` });
  network.attempts = 0;
  await clock.advance(3_600_000);
  assert.deepEqual([replica.status.state, replica.status.unsent], ["offline", 20]);
  assert.ok(network.attempts > 100 && network.attempts < 1000, `${network.attempts} attempts`);
  network.off = false;
  await eventually("everything is sent", async () => {
    await clock.advance(1000);
    return replica.status.unsent === 0 && replica.status.state === "live";
  });
  assert.equal((await direct.tasks.list()).tasks.length, 20);
  await replica.close();
});

test("a sync token that is too old, or of another history, begins again", async () => {
  const { user, storage, replica, direct } = open();
  replica.start();
  replica.create({ title: "before" });
  await replica.settled();
  await live(replica);
  await replica.close();
  await direct.erase(); // every earlier token is a 410 now
  await direct.tasks.create({ title: "after" });
  const next = open({ user, storage });
  next.replica.start();
  await next.replica.ready();
  assert.deepEqual(titles(next.replica), ["before"]);
  await eventually("it begins again", () => titles(next.replica).join() === "after");
  await live(next.replica);
  await next.replica.close();
});

test("a 410 from the list of changes begins again", async () => {
  const { user, storage, replica, direct } = open();
  const scope = `${server.url}/api/${user}`;
  await storage.open(scope);
  await storage.save([["task/x", { id: "x", title: "long gone", tags: [], version: 7 }], ["next", "of-another-time"]]);
  await direct.tasks.create({ title: "here" });
  replica.start();
  await eventually("it begins again", () => titles(replica).join() === "here");
  await replica.close();
});

test("a user who is erased while the replica is live ends with nothing but what was not sent", async () => {
  const { network, replica, told, direct } = open();
  replica.start();
  await live(replica);
  const { id } = replica.create({ title: "old" });
  await replica.settled();
  network.off = true;
  network.cut();
  replica.update(id, { title: "edited" });
  replica.create({ title: "new" });
  await direct.erase();
  network.off = false;
  await replica.settled();
  await eventually("the old task is gone", () => titles(replica).join() === "new");
  assert.deepEqual((await direct.tasks.list()).tasks.map(({ title }) => title), ["new"]);
  assert.deepEqual(told.conflict.map(({ mine, theirs }) => [mine, theirs]), [[{ title: "edited" }, null]]);
  told.conflict[0].keepMine();
  await replica.settled();
  assert.deepEqual((await direct.tasks.list()).tasks.map(({ title }) => title).toSorted(), ["edited", "new"]);
  await replica.close();
});

test("a storage without room keeps the changes alone, or nothing, and all is sent", async () => {
  for (const room of ["changes", "nothing"]) {
    const inner = memoryStorage();
    const full = {
      ...inner,
      save: async (entries) => {
        if (room === "nothing" || entries.some(([key, value]) => key.startsWith("task/") && value)) throw new DOMException("full", "QuotaExceededError");
        return inner.save(entries);
      },
    };
    const { network, replica, told, direct, user } = open({ storage: full });
    replica.start();
    replica.create({ title: "one" });
    await replica.settled();
    await eventually("it is told", () => told.storage.length > 0);
    assert.equal(told.storage[0].name, "QuotaExceededError");
    network.off = true;
    network.cut();
    replica.create({ title: "two" });
    assert.deepEqual(titles(replica), ["one", "two"]);
    await replica.close();
    const next = open({ user, storage: inner });
    next.replica.start();
    await next.replica.settled();
    await live(next.replica);
    assert.deepEqual(titles(next.replica), room === "changes" ? ["one", "two"] : ["one"]);
    assert.equal((await direct.tasks.list()).tasks.length, room === "changes" ? 2 : 1);
    await next.replica.close();
  }
});

test("a token that is not taken ends nothing: the next one goes on", async () => {
  const denied = () => Response.json({ type: "/problems/unauthorized", detail: "Expired." }, { status: 401, headers: { "Content-Type": "application/problem+json" } });
  const network = openNetwork((_, { headers }) => (Object.fromEntries(headers).Authorization === "Bearer good" ? undefined : denied()));
  let token = "bad";
  const { replica } = open({ network, token: () => token });
  replica.start();
  replica.create({ title: "kept" });
  await eventually("it is refused", () => replica.status.state === "refused");
  assert.equal(replica.status.error.status, 401);
  token = "good";
  replica.start();
  await replica.settled();
  await live(replica);
  assert.equal(replica.status.error, undefined);
  await replica.close();
});

test("an owner that the server will never take is refused", async () => {
  const { replica } = open({ user: "x".repeat(300) });
  replica.start();
  await eventually("it is refused", () => replica.status.state === "refused");
  assert.ok(replica.status.error instanceof DocketError);
  assert.equal(replica.status.error.message, "The user id is longer than 255 characters.");
  await replica.close();
});

test("a stream that says nothing is left, and the changes are asked for", async () => {
  const clock = new TestClock();
  const streams = []; // sends a text on each
  const network = openNetwork((url, { signal }) => {
    if (!url.endsWith("/events")) return;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      streams.push((text) => {
        const body = new ReadableStream({
          start(controller) {
            if (text) controller.enqueue(new TextEncoder().encode(text));
            signal.addEventListener("abort", () => controller.error(signal.reason));
          },
        });
        resolve(new Response(body));
      });
    });
  });
  const { replica, direct } = open({ clock, network });
  const streamNumber = (n) =>
    eventually(`stream ${n}`, async () => {
      await clock.advance(10);
      return streams.length === n;
    });
  const step = () => [replica.status.state, replica.tasks().length, ...network.requests.splice(0)];
  replica.start();
  await streamNumber(1);
  streams[0]("");
  assert.deepEqual(step(), ["connecting", 0, "GET changes", "GET events"]);
  await direct.tasks.create({ title: "while the stream is quiet" });
  await clock.advance(36_000);
  await streamNumber(2);
  assert.deepEqual(step(), ["connecting", 1, "GET changes", "GET events"]);
  await direct.tasks.create({ title: "while there are no headers" });
  await clock.advance(36_000);
  await streamNumber(3);
  assert.deepEqual(step(), ["connecting", 2, "GET changes", "GET events"]);
  streams[2](": heartbeat\n\n");
  await eventually("it is live", () => replica.status.state === "live");
  await replica.close();
});

test("many edits of one field made offline are one request", async () => {
  const { network, replica, direct } = open();
  replica.start();
  await live(replica);
  const { id } = replica.create({ title: "a" });
  await replica.settled();
  network.off = true;
  network.cut();
  await eventually("it is offline", () => replica.status.state === "offline");
  for (const letter of "abcdef") replica.update(id, { title: replica.get(id).title + letter });
  const other = replica.create({ title: "x" });
  replica.update(other.id, { title: "y", metadata: { a: 1 } });
  network.requests.length = 0;
  assert.ok(replica.status.unsent <= 3, `${replica.status.unsent} changes`);
  network.off = false;
  await replica.settled();
  assert.deepEqual((await direct.tasks.list()).tasks.map(({ title }) => title), ["aabcdef", "y"]);
  await replica.close();
});

test("one that is closed and started again at once goes on", async () => {
  const { replica, direct } = open();
  for (let i = 0; i < 3; i++) {
    replica.start();
    replica.create({ title: `${i}` });
    void replica.close();
  }
  replica.start();
  await replica.settled();
  await live(replica);
  assert.deepEqual((await direct.tasks.list()).tasks.map(({ title }) => title), ["0", "1", "2"]);
  await replica.close();
});
