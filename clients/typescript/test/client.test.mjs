import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, DocketError, uuidv7 } from "docket-client";
import { TestClock } from "./clock.mjs";
import { eventually, newUser, startServer } from "./server.mjs";
import { secret, sign } from "./token.mjs";

const server = await startServer();
const open = (more = {}) => createClient({ baseUrl: server.url, user: newUser("ada|é/"), ...more });
const code = (wanted) => (error) => error instanceof DocketError && error.code === wanted;

test("tasks are made, read, changed, deleted and restored", async () => {
  const docket = open();
  const made = await docket.tasks.create({ title: " Buy milk ", due_date: "2026-12-01", tags: ["home"], metadata: { a: 1, b: 2 } });
  assert.equal(made.title, "Buy milk");
  assert.deepEqual(await docket.tasks.get(made.id), made);
  const changed = await docket.tasks.update(made.id, { priority: "high", metadata: { b: null } }, { ifVersion: made.version });
  assert.deepEqual([changed.priority, changed.metadata], ["high", { a: 1 }]);
  await assert.rejects(docket.tasks.update(made.id, { title: "x" }, { ifVersion: made.version }), code("precondition-failed"));
  assert.equal((await docket.tasks.complete(made.id)).completed, true);
  assert.equal((await docket.tasks.complete(made.id, false)).completed, false);
  assert.equal((await docket.tasks.delete(made.id)).deleted, true);
  await assert.rejects(docket.tasks.get(made.id), (error) => {
    assert.deepEqual([error.status, error.code, error.message], [404, "task-not-found", "This user has no such task."]);
    assert.ok(error.requestId);
    return true;
  });
  assert.equal((await docket.tasks.restore(made.id)).id, made.id);
});

test("a task is made under an id of the client's, once", async () => {
  const docket = open();
  const id = uuidv7();
  assert.equal((await docket.tasks.create({ title: "x" }, { id })).id, id);
  await assert.rejects(docket.tasks.create({ title: "y" }, { id }), code("precondition-failed"));
});

test("lists are paged and filtered", async () => {
  const docket = open();
  const operations = Array.from({ length: 25 }, (_, i) => ({ op: "create", task: { title: `${i}`, tags: i % 2 ? ["odd"] : [] } }));
  assert.equal((await docket.tasks.batch(operations)).length, 25);
  const first = await docket.tasks.list({ limit: 10, sort: "-created_at" });
  assert.deepEqual([first.tasks.length, first.tasks[0].title, typeof first.next], [10, "24", "string"]);
  const all = [];
  for await (const task of docket.tasks.all({ limit: 3, tag: "odd", priority: ["medium", "high"] })) all.push(task.title);
  assert.equal(all.length, 12);
  assert.equal((await docket.tasks.list({ status: "pending" })).next, undefined);
  await assert.rejects(docket.tasks.list({ limit: 0 }), (error) => code("invalid-input")(error) && error.errors[0].parameter === "limit");
});

test("changes are listed, and erased", async () => {
  const docket = open();
  const { id } = await docket.tasks.create({ title: "x" });
  const { items, next } = await docket.changes();
  assert.deepEqual(items.map((item) => item.id), [id]);
  await docket.erase();
  await assert.rejects(docket.changes({ since: next }), code("sync-token-expired"));
  await assert.rejects(async () => {
    for await (const item of docket.events({ since: next })) assert.fail(JSON.stringify(item));
  }, code("sync-token-expired"));
});

test("tasks are exported, and imported once", async () => {
  const docket = open();
  await docket.tasks.create({ title: "x", due_date: "2026-12-01" });
  const file = await docket.export("csv");
  assert.match(await file.text(), /^id,title,.*\n.*,x,/);
  const other = open();
  for (const [dryRun, added, unchanged] of [[true, 1, 0], [false, 1, 0], [false, 0, 1]]) {
    const result = await other.import(file, { format: "csv", dryRun });
    assert.deepEqual([result.added, result.unchanged, result.skipped], [added, unchanged, []]);
  }
  assert.deepEqual((await other.tasks.list()).tasks.map(({ title, due_date }) => [title, due_date]), [["x", "2026-12-01"]]);
});

test("events go on where they were when the connection is lost", async () => {
  const clock = new TestClock();
  const cuts = [];
  const docket = open({
    clock,
    fetch: async (url, options) => {
      const cut = new AbortController();
      cuts.push(() => cut.abort(new TypeError("the connection is lost")));
      return fetch(url, { ...options, signal: AbortSignal.any([cut.signal, options.signal].filter(Boolean)) });
    },
  });
  const { next } = await docket.changes();
  const titles = [];
  const stop = new AbortController();
  const listening = (async () => {
    for await (const item of docket.events({ since: next, signal: stop.signal })) titles.push(item.title);
  })();
  const writer = createClient({ baseUrl: server.url, user: docket.user });
  await writer.tasks.create({ title: "one" });
  await eventually("the first is heard", () => titles.length === 1);
  cuts.at(-1)();
  await writer.tasks.create({ title: "two" });
  await eventually("the second is heard", async () => {
    await clock.advance(1000);
    return titles.length === 2;
  });
  stop.abort();
  await listening;
  assert.deepEqual(titles, ["one", "two"]);
});

/** Returns a fetch that gives these answers, then throws. It keeps the requests. */
function scripted(...answers) {
  const requests = [];
  return {
    requests,
    fetch: async (url, { method, headers, body, signal }) => {
      requests.push({ method, headers: Object.fromEntries(headers), body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      if (answer === "hangs") {
        signal.throwIfAborted();
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      }
      return answer();
    },
  };
}

const problem = (status, kind, headers = {}) => () =>
  Response.json({ type: `/problems/${kind}`, title: kind, status, detail: `It is ${kind}.` }, { status, headers: { ...headers, "Content-Type": "application/problem+json" } });
const good = (body = { id: "x" }) => () => Response.json(body);
const lost = new TypeError("fetch failed");

for (const [name, answers, attempts, outcome] of [
  ["a lost request", [lost, good()], 2, "good"],
  ["overload", [problem(503, "unavailable", { "Retry-After": "2" }), good()], 2, "good"],
  ["a limit", [problem(429, "rate-limited"), good()], 2, "good"],
  ["an unknown outcome", [problem(503, "write-outcome-unknown"), good()], 2, "good"],
  ["a key in flight", [problem(409, "idempotency-key-in-flight"), good()], 2, "good"],
  ["an answer cut short", [() => new Response('{"id": "', { status: 200 }), good()], 2, "good"],
  ["an answer that never comes", ["hangs", good()], 2, "good"],
  ["invalid input", [problem(422, "invalid-input")], 1, "invalid-input"],
  ["a missing task", [problem(404, "task-not-found")], 1, "task-not-found"],
  ["a page of a proxy", [() => new Response("<html>", { status: 404 })], 1, "not-docket"],
  ["a string for a token that is not taken", [problem(401, "unauthorized")], 1, "unauthorized"],
]) {
  test(`a write meets ${name}`, async () => {
    const clock = new TestClock();
    const { fetch, requests } = scripted(...answers);
    const docket = createClient({ baseUrl: "http://docket", user: "ada", token: "t", fetch, clock });
    const settled = docket.tasks.create({ title: "x" }).then(() => "good", (error) => error.code);
    await clock.advance(90_000);
    assert.equal(await settled, outcome);
    assert.equal(requests.length, attempts);
    assert.equal(new Set(requests.map(({ headers }) => headers["Idempotency-Key"])).size, 1);
    assert.equal(requests[0].headers.Authorization, "Bearer t");
    assert.equal(clock.waiting, 0);
  });
}

test("a request is not repeated beyond the client's patience", async () => {
  const clock = new TestClock();
  const { fetch, requests } = scripted(lost);
  const docket = createClient({ baseUrl: "http://docket", user: "ada", fetch, clock, patience: 20_000 });
  const settled = docket.tasks.list().catch((error) => error);
  const began = clock.now();
  await clock.advance(19_999);
  const error = await settled;
  assert.ok(code("unreachable")(error) && error.cause === lost);
  assert.ok(requests.length > 3 && requests.length < 20, `${requests.length} attempts`);
  assert.ok(clock.now() - began <= 20_000);
  await assert.rejects(docket.tasks.list({}, { patience: 0 }), code("unreachable"));
});

test("a call ends when its signal is aborted", async () => {
  const docket = createClient({ baseUrl: "http://docket", user: "ada", fetch: scripted("hangs").fetch, clock: new TestClock() });
  const stop = new AbortController();
  const settled = docket.tasks.list({}, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(settled, /enough/);
});

test("a token function is asked again before expiry, and after a 401", async () => {
  const { url } = await startServer({ AUTH_SECRET: secret });
  const clock = new TestClock();
  let asked = 0;
  let age = 0; // seconds
  const docket = createClient({
    baseUrl: url, user: "ada", clock,
    token: async () => {
      asked++;
      const now = Math.floor(clock.now() / 1000) - age;
      return sign("ada", now + 900);
    },
  });
  await Promise.all([docket.tasks.list(), docket.tasks.list()]);
  assert.equal(asked, 1, "who asks meanwhile shares the answer");
  await clock.advance(869_000);
  await docket.tasks.list();
  assert.equal(asked, 1);
  await clock.advance(2_000);
  await docket.tasks.list();
  assert.equal(asked, 2, "it is asked 30 s before the token expires");
  await clock.advance(900_000);
  age = 3600 * 24 * 365; // a wrong clock: the server takes none of these
  await assert.rejects(docket.tasks.list(), code("unauthorized"));
  assert.equal(asked, 4, "it is asked once more after a 401, and no more");
  age = 0;
  await docket.tasks.list();
  assert.equal(asked, 5);
});

test("API keys are made, used and revoked", async () => {
  const { url } = await startServer({ AUTH_SECRET: secret });
  const docket = createClient({ baseUrl: url, user: "ada", token: sign("ada", Math.floor(Date.now() / 1000) + 900) });
  const { id, key } = await docket.keys.create({ name: "Calendar", scopes: ["tasks:read"] });
  const reader = createClient({ baseUrl: url, user: "ada", token: key });
  assert.deepEqual((await reader.tasks.list()).tasks, []);
  await assert.rejects(reader.tasks.create({ title: "x" }), code("insufficient-scope"));
  assert.deepEqual((await docket.keys.list()).map(({ name, scopes }) => [name, scopes]), [["Calendar", ["tasks:read"]]]);
  await docket.keys.revoke(id);
  await assert.rejects(reader.tasks.list(), code("unauthorized"));
});

test("an API key is asked for once, whatever the failure and the patience", async () => {
  for (const answer of [lost, "hangs", problem(503, "write-outcome-unknown"), problem(503, "unavailable"), problem(429, "rate-limited")]) {
    const clock = new TestClock();
    const { fetch, requests } = scripted(answer, good());
    const docket = createClient({ baseUrl: "http://docket", user: "ada", fetch, clock });
    const settled = docket.keys.create({ name: "x", scopes: ["tasks:read"] }, { patience: 60_000 }).catch((error) => error);
    await clock.advance(90_000);
    assert.ok((await settled) instanceof DocketError);
    assert.equal(requests.length, 1);
  }
});

test("an API key that a repetition does not find is revoked", async () => {
  const gone = problem(404, "key-not-found");
  const page = () => new Response("<html>", { status: 404 });
  for (const [answers, outcome] of [[[lost, gone], undefined], [[gone], "key-not-found"], [[lost, page], "not-docket"]]) {
    const clock = new TestClock();
    const docket = createClient({ baseUrl: "http://docket", user: "ada", fetch: scripted(...answers).fetch, clock });
    const settled = docket.keys.revoke("x").catch((error) => error.code);
    await clock.advance(90_000);
    assert.equal(await settled, outcome);
  }
});

test("a token that never comes ends with the attempt or the call, and is asked for again", async () => {
  const clock = new TestClock();
  let asked = 0;
  const open = () => {
    asked = 0;
    const token = () => (++asked === 1 ? new Promise(() => {}) : "t");
    return createClient({ baseUrl: "http://docket", user: "ada", fetch: scripted(good([])).fetch, clock, token });
  };
  const settled = open().tasks.list();
  await clock.advance(19_000);
  assert.equal(asked, 1);
  await clock.advance(2_000);
  assert.equal(asked, 2);
  await settled;
  for (const call of [(docket, signal) => docket.tasks.list({}, { signal }), (docket, signal) => docket.stream({ signal }).next()]) {
    const docket = open();
    const stop = new AbortController();
    const ended = assert.rejects(call(docket, stop.signal));
    stop.abort();
    await ended;
    await docket.tasks.list();
    assert.equal(asked, 2);
  }
});

test("a token function that fails is asked again", async () => {
  const clock = new TestClock();
  let asked = 0;
  const docket = createClient({
    baseUrl: "http://docket", user: "ada", fetch: scripted(good([])).fetch, clock,
    token: () => {
      if (++asked === 1) throw new Error("offline");
      return "t";
    },
  });
  const settled = docket.tasks.list();
  await clock.advance(10_000);
  await settled;
  assert.equal(asked, 2);
  const never = createClient({ baseUrl: "http://docket", user: "ada", token: () => Promise.reject(new Error("signed out")), patience: 0 });
  await assert.rejects(never.tasks.list(), (error) => code("no-token")(error) && error.cause.message === "signed out");
});

test("ids sort in the order in which they were made", () => {
  const ids = Array.from({ length: 10_000 }, () => uuidv7());
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
