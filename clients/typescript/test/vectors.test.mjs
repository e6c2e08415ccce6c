// Runs the test vectors of clients/vectors, which hold for a replica in any language.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createClient } from "docket-client";
import { createReplica, memoryStorage, merge, normalize, reconcile, select } from "docket-client/replica";
import { TestClock } from "./clock.mjs";
import { eventually } from "./server.mjs";

const vectors = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8")).cases;

test("merge", () => {
  for (const { target, patch, result } of vectors("merge")) assert.deepEqual(merge(target, patch), result);
});

test("normalize", () => {
  for (const { fields, kept } of vectors("normalize")) assert.deepEqual(normalize(fields), kept);
});

test("reconcile", () => {
  for (const { name, change, now, send, clash } of vectors("reconcile")) {
    const got = reconcile(change, now ?? undefined);
    const { id, ...told } = got.clash ?? {};
    assert.deepEqual([got.send, got.clash && told], [send, clash], name);
  }
});

test("query", () => {
  for (const { tasks, queries } of vectors("query")) {
    for (const { query, ids } of queries) assert.deepEqual(select(tasks, query).map(({ id }) => id), ids, JSON.stringify(query));
  }
});

for (const vector of vectors("sync")) test(`sync: ${vector.name}`, () => play(vector));

async function play({ stored, changes = [], stream, requests = [], then = [], requests2 = [], expect, ...vector }) {
  const clock = new TestClock();
  const storage = memoryStorage();
  await storage.open("http://docket/api/ada");
  if (stored) await storage.save([...stored.tasks.map((task) => [`task/${task.id}`, task]), ["next", stored.next]]);
  const pages = [...changes];
  const wanted = [...requests, ...requests2];
  const keys = new Set();
  const problem = (status) => (status < 400 ? "application/json" : "application/problem+json");
  const answer = (status, body) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": problem(status) } });
  let events = stream;

  function follow(headers, signal) {
    const body = new ReadableStream({
      start(controller) {
        signal.addEventListener("abort", () => controller.error(signal.reason));
        const send = (text) => controller.enqueue(new TextEncoder().encode(`${text}\n\n`));
        send(": now");
        if (!events) return;
        assert.equal(headers["Last-Event-ID"], events.since);
        for (const { id, item, resync } of events.events) send(resync ? "event: resync\ndata: {}" : `id: ${id}\nevent: task\ndata: ${JSON.stringify(item)}`);
        if (events.events.some(({ resync }) => resync)) controller.close();
        events = undefined;
      },
    });
    return new Response(body);
  }

  const fetch = async (address, { method, headers, body, signal }) => {
    const url = new URL(address);
    const path = url.pathname.slice("/api/ada".length);
    const given = Object.fromEntries(headers);
    if (path === "/events") return follow(given, signal);
    if (path === "/changes") {
      const page = pages.shift();
      assert.equal(url.searchParams.get("since"), page.since);
      return answer(page.status, page.answer);
    }
    const request = wanted.shift();
    assert.equal(`${method} ${path}`, request?.to);
    for (const [name, value] of Object.entries(request.headers ?? {})) assert.equal(given[name], value ?? undefined);
    if (request.body) assert.deepEqual(JSON.parse(body), request.body);
    const key = given["Idempotency-Key"];
    if (key) assert.equal(keys.has(key), request.again === true, "the key is the one before");
    keys.add(key);
    if (request.status === 0) throw new TypeError("no answer");
    return answer(request.status, request.answer);
  };

  const faults = [];
  const checked = (...args) => fetch(...args).catch((error) => {
    if (error instanceof assert.AssertionError) faults.push(error);
    throw error;
  });
  const replica = createReplica({ client: createClient({ baseUrl: "http://docket", user: "ada", fetch: checked, clock }), storage });
  const told = { conflicts: [], refused: [] };
  replica.on("conflict", ({ id, mine, theirs }) => told.conflicts.push({ id, mine, theirs }));
  replica.on("refused", ({ id, error }) => told.refused.push({ id, code: error.code }));
  const act = (actions) => {
    for (const [what, ...args] of actions) {
      if (what === "create") replica.create(args[1], { id: args[0] });
      else replica[what](...args);
    }
  };
  const settle = (what, left) =>
    eventually(what, async () => {
      await clock.advance(1000);
      if (faults.length > 0) throw faults[0];
      return wanted.length === left && pages.length === 0 && !events && replica.status.unsent === 0 && replica.status.state === "live";
    });

  replica.start();
  await replica.ready();
  act(vector.do ?? []);
  await settle("the first requests", requests2.length);
  act(then);
  await settle("all requests", 0);
  assert.deepEqual(replica.tasks(), expect.tasks);
  assert.deepEqual(told, { conflicts: expect.conflicts ?? [], refused: expect.refused ?? [] });
  await replica.close();
  const left = Object.fromEntries(await storage.load(""));
  assert.equal(left.next, expect.next ?? undefined);
  assert.deepEqual(Object.keys(left).filter((key) => key.startsWith("change/")), []);
}
