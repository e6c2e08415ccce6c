// Replicas of one user change tasks at random on a network that loses requests and
// answers; they are closed, killed and opened again. All must end as the server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "docket-client";
import { createReplica, memoryStorage } from "docket-client/replica";
import { random } from "./random.mjs";
import { eventually, newUser, startServer } from "./server.mjs";

const histories = Number(process.env.HISTORIES ?? 16);
const first = Number(process.env.SEED ?? 0);
const REPLICAS = 3;
const STEPS = 40;
const AT_ONCE = 8;

const server = await startServer();

/**
 * A clock on which time passes fast, so that nobody waits for long. How long the server may
 * take to answer, or be silent, is as always: the machine may have other work.
 */
const FAST = 20;
const PATIENCE = [20_000, 35_000]; // ms, of a request and of a stream
const start = Date.now();
const clock = {
  now: () => Math.round(start + (Date.now() - start) * FAST),
  setTimeout: (run, ms) => setTimeout(run, PATIENCE.includes(ms) ? ms : ms / FAST),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** A token that is good for a second. */
function token() {
  const now = clock.now() / 1000;
  return `x.${btoa(JSON.stringify({ iat: now, exp: now + 1 }))}.x`;
}
const expiry = (header) => JSON.parse(atob(header.split(".")[1])).exp * 1000;

/** A network that loses requests and answers while it is broken, and checks tokens if there are any. */
class Network {
  broken = true;
  lost = 0;
  refused = 0;
  accepted = []; // bodies of writes that the server has done
  constructor(r, expires) {
    this.r = r;
    this.expires = expires;
  }
  fetch = async (url, options) => {
    const chance = this.broken ? this.r.next() : 1;
    if (chance < 0.1) throw new TypeError(`the request is lost (${++this.lost})`);
    let { signal } = options;
    if (this.expires) {
      const left = expiry(options.headers.find(([name]) => name === "Authorization")[1]) - clock.now();
      if (left <= 550) { // the server's clock is ahead: tokens are refused that were thought good
        this.refused++;
        return Response.json({ type: "/problems/unauthorized", detail: "The token has expired." }, { status: 401, headers: { "Content-Type": "application/problem+json" } });
      }
      if (url.endsWith("/events")) {
        const end = new AbortController();
        clock.setTimeout(() => end.abort(), left);
        signal = AbortSignal.any([signal, end.signal]);
      }
    }
    const response = await fetch(url, { ...options, signal });
    if (response.ok && options.body) this.accepted.push(JSON.parse(options.body));
    if (options.method !== "GET" && chance < 0.2) {
      await response.body?.cancel();
      throw new TypeError(`the answer is lost (${++this.lost})`);
    }
    return response;
  };
}

async function history(seed, expires) {
  const r = random(seed);
  const user = newUser();
  const network = new Network(r, expires);
  const told = []; // fields of conflicts and refusals
  let clashes = 0;
  const places = Array.from({ length: REPLICAS }, () => memoryStorage());

  function open(place, n) {
    const client = createClient({ baseUrl: server.url, user, fetch: network.fetch, clock, ...(expires && { token }) });
    const life = { over: false };
    const storage = { ...place, save: async (entries) => (life.over ? Promise.reject(new Error("killed")) : place.save(entries)), close() {} };
    const replica = createReplica({ client, storage });
    replica.on("conflict", ({ id, mine, keepMine }) => {
      clashes++;
      told.push({ id, ...mine });
      if (!network.broken || r.chance(0.5)) return;
      // What is kept now replaces what was written to the same field since.
      for (const [name, value] of Object.entries({ ...mine, ...mine?.metadata })) if (typeof value === "string") edit(n, id, name, value);
      keepMine();
    });
    replica.on("refused", (refusal) => assert.fail(JSON.stringify(refusal)));
    replica.start();
    return { replica, life };
  }
  const all = places.map(open);

  let made = 0;
  const edits = new Map(); // the last of each replica, task and field, by value
  const edit = (n, id, name, value) => {
    edits.set(`${n} ${id} ${name}`, value);
    return value;
  };
  for (let step = 0; step < STEPS; step++) {
    const n = r.below(REPLICAS);
    const { replica, life } = all[n];
    await replica.ready();
    const task = r.pick(replica.tasks());
    const gone = r.pick(replica.tasks({ deleted: true }));
    const chance = r.next();
    const unique = `${n}-${step}`;
    if (chance < 0.06) {
      await new Promise((resolve) => setTimeout(resolve, 1)); // what was done is stored by then
      life.over = r.chance(0.5); // killed: nothing more is stored
      await replica.close();
      all[n] = open(places[n], n);
    } else if (chance < 0.3 || !task) {
      replica.create({ title: `task ${++made}`, tags: [unique], metadata: { made: unique } });
    } else if (chance < 0.45) {
      replica.update(task.id, { title: edit(n, task.id, "title", `${task.title.split(",")[0]}, ${unique}`) });
    } else if (chance < 0.55) {
      replica.update(task.id, { description: edit(n, task.id, "description", unique), priority: r.pick(["low", "high"]) });
    } else if (chance < 0.65) {
      const name = r.pick(["a", "b", "c"]);
      replica.update(task.id, { metadata: { [name]: edit(n, task.id, name, unique), deep: { [name]: unique } } });
    } else if (chance < 0.72) {
      replica.update(task.id, { due_date: r.pick([null, "2026-12-01", "2026-12-01T09:00:00"]), tags: [...task.tags.slice(-3), unique] });
    } else if (chance < 0.82) {
      replica.update(task.id, { completed: !task.completed });
    } else if (chance < 0.94 || !gone) {
      replica.delete(task.id);
    } else {
      replica.restore(gone.id);
    }
    if (r.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, r.below(8)));
  }
  network.broken = false;

  const reader = createClient({ baseUrl: server.url, user });
  await eventually(`all are in step, seed ${seed}`, async () => {
    if (all.some(({ replica }) => replica.status.unsent > 0)) return false;
    const want = JSON.stringify((await reader.tasks.list()).tasks);
    return all.every(({ replica }) => JSON.stringify(replica.tasks()) === want && replica.status.unsent === 0);
  });
  const tasks = [...(await reader.tasks.list()).tasks, ...(await reader.tasks.list({ deleted: true })).tasks];
  const numbers = new Set(tasks.map(({ title }) => Number(title.match(/^task (\d+)/)[1])));
  assert.equal(tasks.length, made, `tasks, seed ${seed}`);
  assert.equal(numbers.size, made, `different tasks, seed ${seed}`);
  const known = JSON.stringify([network.accepted, told]);
  for (const [what, value] of edits) assert.ok(known.includes(JSON.stringify(value)), `an edit was lost: ${what} ${value}, seed ${seed}`);
  for (const { replica } of all) await replica.close();
  return { made, edits: edits.size, clashes, lost: network.lost, refused: network.refused };
}

for (const expires of [false, true]) {
  test(`${histories} histories converge${expires ? " with tokens that expire every second" : ""}`, { timeout: 3_600_000 }, async (t) => {
    const sum = { made: 0, edits: 0, clashes: 0, lost: 0, refused: 0 };
    let next = 0;
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, histories) }, async () => {
        while (next < histories) {
          const seed = first + next++;
          for (const [name, n] of Object.entries(await history(seed, expires))) sum[name] += n;
        }
      }),
    );
    t.diagnostic(JSON.stringify(sum));
    if (histories < 10) return; // too few to meet everything
    assert.ok(sum.made > 0 && sum.lost > 0 && sum.clashes > 0, JSON.stringify(sum));
    assert.ok(!expires || sum.refused > 0, "no token expired");
  });
}
