// A copy of one user's tasks that works offline and ends up as the server's.
//
// It holds what the server said last (tasks, by id) and what the user has done
// since (outbox, in order); view() shows the one with the other applied. Three
// rules make it lose nothing:
//
//   1. An item of the server never replaces one of a later version, and the
//      token of a stream is kept together with the items before it.
//   2. A change is kept before it is sent, with its Idempotency-Key, and is
//      sent unchanged until it is answered. So it is carried out once, whatever
//      happens to the connection, the server or this window, as long as the
//      server knows the key: for a day after it has carried out the change.
//   3. A change names the version that its user saw (If-Match). If the task is
//      another by then, the change is made anyway when it touches nothing that
//      the others changed; else the user decides (a "conflict" event).
//
// A token that the server does not take ends nothing: the "unauthorized" event asks
// for another one, and authorize goes on with it.

import { Refused, Unauthorized, call, read, request } from "./wire.js";

const QUIET = 35_000; // ms; the server sends a comment every 15 s
const MOST = 30_000; // ms between two attempts

// What a task has unless its user says otherwise, besides its title. Metadata is
// another application's: the page keeps it and never sends it.
export const DEFAULTS = { description: null, completed: false, priority: "medium", due_date: null, tags: [] };
const FIELDS = ["title", ...Object.keys(DEFAULTS)];

export class Replica extends EventTarget {
  tasks = new Map();
  outbox = [];
  state = "connecting"; // "connecting", "live", "offline", "unauthorized" or "refused"

  #base;
  #access; // { token }, a new object for each token that is given
  #store;
  #next = null; // the sync token of tasks
  #quiet = false; // whether the last stream said nothing: then the changes are asked for
  #settled; // when the change that is being sent is answered
  #closed = new AbortController();
  #wakes = new Set();
  #dirty;

  // store keeps values under names, as openStore's does.
  constructor(user, token, store) {
    super();
    // Relative to this script: a proxy may serve all of it under a prefix.
    this.#base = new URL(`../api/${encodeURIComponent(user)}`, import.meta.url).href;
    this.#access = { token };
    this.#store = store;
    const copy = store.load("copy");
    if (copy) {
      // The copy may be of a time when tasks had fewer fields.
      this.tasks = new Map(copy.tasks.map((task) => [task.id, { ...task, ...{ ...DEFAULTS, ...task } }]));
      this.#next = copy.next;
    }
    this.outbox = store.load("outbox") ?? [];
  }

  run() {
    const wake = () => this.#wake();
    addEventListener("online", wake, { signal: this.#closed.signal });
    addEventListener("pagehide", () => this.#keepCopy(), { signal: this.#closed.signal });
    this.#repeat((done) => this.#follow(done));
    this.#repeat((done) => this.#send(done));
  }

  // authorize goes on with another token.
  authorize(token) {
    this.#access = { token };
    this.#become("connecting");
    this.#wake();
  }

  close() {
    this.#keepCopy();
    this.#closed.abort();
    this.#wake();
  }

  // view returns the live tasks as the user should see them, newest first.
  view() {
    const shown = new Map();
    for (const task of this.tasks.values()) if (!task.deleted) shown.set(task.id, task);
    for (const { kind, id, fields, task } of this.outbox) {
      const before = shown.get(id) ?? (kind === "update" ? null : task);
      if (kind === "delete") shown.delete(id);
      else if (before) shown.set(id, { ...before, ...fields, unsent: true });
    }
    return [...shown.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  // What the user can do.

  // create returns the id that the task has until the server gives it another.
  create(fields) {
    // Greater than any id of the server's, so that it is shown as the newest.
    const id = `new-${String(Date.now()).padStart(15, "0")}-${crypto.randomUUID()}`;
    this.#record({ kind: "create", id, fields, task: { id, ...DEFAULTS, ...fields } });
    return id;
  }

  // update changes these fields and no other.
  update(task, fields) {
    this.#record({ kind: "update", id: task.id, task, fields, seen: pick(task, Object.keys(fields)) });
  }

  remove(task) {
    this.#record({ kind: "delete", id: task.id, task, seen: pick(task, FIELDS) });
  }

  restore(task) {
    const last = this.outbox.findLastIndex((change) => change.id === task.id);
    if (last >= 0 && this.outbox[last].kind === "delete" && !this.outbox[last].sent) {
      this.outbox.splice(last, 1);
      this.#keepOutbox();
    } else {
      this.#record({ kind: "restore", id: task.id, task });
    }
  }

  #record(change) {
    // A change after another one of the same task gets its version from the other's answer.
    const first = !this.outbox.some((other) => other.id === change.id);
    const version = first ? (change.task.version ?? this.tasks.get(change.id)?.version) : undefined;
    this.outbox.push({ ...change, key: crypto.randomUUID(), version });
    this.#keepOutbox();
    this.#wake();
  }

  // Sending.

  async #send(done) {
    if (this.outbox.length === 0) return this.#pause();
    const change = this.outbox[0];
    change.sent = true;
    this.#keepOutbox();
    const settled = this.#settle(change);
    this.#settled = settled.catch(() => {});
    await settled;
    done();
  }

  async #settle(change) {
    const response = await this.#fetch(...request(change));
    if (response.status === 204) {
      this.tasks.set(change.id, { ...this.tasks.get(change.id), id: change.id, deleted: true });
      this.#finish(change);
    } else if (response.ok) {
      this.#finish(change, await response.json());
    } else if (response.status === 412 || (response.status === 404 && change.kind === "update")) {
      await this.#reconsider(change);
    } else {
      const already = { delete: 404, restore: 409 }[change.kind] === response.status;
      if (!already) this.#tell("refused", { change, problem: await response.json() });
      this.#finish(change);
    }
  }

  // finish takes a change out. The next one of its task goes on from the answer
  // or, if there was none, from what the user saw: then it meets the same conflict.
  #finish(change, task) {
    this.outbox.shift();
    if (change.kind === "create" && !task) this.outbox = this.outbox.filter((next) => next.id !== change.id);
    const after = this.outbox.filter((next) => next.id === change.id);
    if (after.length > 0) after[0].version = task?.version ?? change.version;
    if (task) for (const next of after) next.id = task.id;
    if (task && task.id !== change.id) this.#tell("renamed", { from: change.id, to: task.id });
    if (task) this.#apply(task);
    this.#keepOutbox();
  }

  // reconsider looks at what others have made of a task that a change is for.
  async #reconsider(change) {
    const response = await this.#fetch("GET", `/tasks/${change.id}`, {});
    if (response.status === 404) {
      if (change.kind !== "delete") this.#tell("conflict", { change, now: null });
      return this.#finish(change);
    }
    const now = await response.json();
    this.#apply(now);
    const wanted = change.fields && Object.keys(change.fields).every((name) => same(now[name], change.fields[name]));
    const touched = Object.keys(change.seen).some((name) => !same(now[name], change.seen[name]));
    if (!wanted && !touched) {
      Object.assign(change, { key: crypto.randomUUID(), version: now.version });
      return this.#keepOutbox();
    }
    if (wanted) return this.#finish(change, now);
    this.#tell("conflict", { change, now });
    this.#finish(change);
  }

  // insist makes a change that met a conflict in spite of it.
  insist({ change, now }) {
    if (change.kind === "delete") return this.remove(now);
    const task = now ?? { ...change.task, id: change.id };
    if (!now) this.restore(task);
    this.update(task, change.fields);
  }

  // Following.

  async #follow(done) {
    const quiet = new AbortController();
    const signal = AbortSignal.any([this.#closed.signal, quiet.signal]);
    const lost = () => quiet.abort(new Error("the connection is lost"));
    const silent = () => {
      this.#quiet = true;
      done(); // it took long enough
      lost();
    };
    addEventListener("offline", lost, { signal });
    let timer;
    let retry = 0; // ms
    try {
      if (!this.#next || this.#quiet) {
        await this.#catchUp();
        this.#become("connecting");
      }
      timer = setTimeout(silent, QUIET);
      const { body } = await this.#ok("/events", { headers: { "Last-Event-ID": this.#next }, signal });
      this.#quiet = true;
      for await (const event of read(body)) {
        clearTimeout(timer);
        timer = setTimeout(silent, QUIET);
        if (this.#quiet || this.state !== "live") {
          this.#quiet = false;
          this.#become("live"); // not at the headers: a proxy may hold back what follows them
          this.#wake();
          done();
        }
        if (event.retry) retry = Number(event.retry);
        if (event.event === "resync") {
          this.#next = null;
          return;
        }
        if (event.data) await this.#hear(JSON.parse(event.data));
        if (event.id) this.#next = event.id;
        this.#keepCopySoon();
      }
    } finally {
      clearTimeout(timer);
      quiet.abort();
      this.#become("offline");
    }
    throw Object.assign(new Error("the stream ended"), { retryAfter: retry / 1000 });
  }

  // hear applies an item of the stream. A task that is new may be the one that
  // is being sent: then the answer, which says so, is awaited for a moment.
  async #hear(item) {
    if (!this.tasks.has(item.id)) await Promise.race([this.#settled, new Promise((resolve) => setTimeout(resolve, 1000))]);
    this.#apply(item);
  }

  // catchUp asks for what has changed since the sync token, or for all without one.
  async #catchUp() {
    const items = [];
    let next = this.#next;
    for (let more = true; more; ) {
      const response = await this.#ok(`/changes?limit=1000${next ? `&since=${next}` : ""}`, {});
      const page = await response.json();
      items.push(...page.items);
      ({ next, has_more: more } = page);
    }
    if (!this.#next) this.tasks = new Map();
    for (const item of items) this.#put(item);
    this.#next = next;
    this.#keepCopySoon();
    this.#changed();
  }

  #apply(item) {
    if (!this.#put(item)) return;
    this.#keepCopySoon();
    this.#changed();
  }

  #put(item) {
    const old = this.tasks.get(item.id)?.version >= item.version;
    if (!old) this.tasks.set(item.id, item);
    return !old;
  }

  // What both need.

  #fetch(method, path, { headers, body, signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(QUIET)]) }) {
    return call(this.#base + path, this.#access, { method, headers, body, signal });
  }

  // ok reads what can only be read or fail. When it is the token that is not
  // taken, the next attempt begins without one.
  async #ok(path, options) {
    const response = await this.#fetch("GET", path, options);
    if (response.ok) return response;
    const { detail } = await response.json();
    if ([404, 422].includes(response.status) && !this.#next) throw new Refused(detail); // there can be no such user
    this.#next = null;
    throw new Error(detail);
  }

  // repeat works until it is closed or refused, ever less often while it fails, and not
  // while another token is needed.
  async #repeat(work) {
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      try {
        await work(() => (failures = 0));
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        if (error instanceof Refused) {
          this.#become("refused");
          return this.#tell("ended", error.message);
        }
        if (error instanceof Unauthorized) {
          if (this.#access === error.access) {
            this.#become("unauthorized");
            this.#tell("unauthorized", error.message);
          }
          while (this.#access === error.access && !this.#closed.signal.aborted) await this.#pause();
          continue;
        }
        const wait = Math.max(1000 * error.retryAfter || 0, Math.min(MOST, 500 * 2 ** failures++));
        await this.#pause(wait * (0.5 + Math.random() / 2)); // not all clients at once
      }
    }
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakes.delete(wake);
        resolve();
      };
      const timer = ms && setTimeout(wake, ms);
      this.#wakes.add(wake);
    });
  }

  #wake() {
    for (const wake of [...this.#wakes]) wake();
  }

  #become(state) {
    if (this.state === "refused") return;
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #keepOutbox() {
    try {
      this.#store.save("outbox", this.outbox);
    } catch {
      this.#store.remove("copy"); // it matters less, and the server has it
      this.#store.save("outbox", this.outbox);
    }
    this.#changed();
  }

  #keepCopySoon() {
    if (!this.#closed.signal.aborted) this.#dirty ??= setTimeout(() => this.#keepCopy(), 300);
  }

  #keepCopy() {
    clearTimeout(this.#dirty);
    this.#dirty = undefined;
    try {
      this.#store.save("copy", { tasks: [...this.tasks.values()], next: this.#next });
    } catch {
      this.#store.remove("copy"); // too large for this browser: the next start asks for all
    }
  }
}

function pick(task, names) {
  return Object.fromEntries(names.map((name) => [name, task[name]]));
}

function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
