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

const FIELDS = ["title", "description", "completed"];
const QUIET = 40_000; // ms; the server sends a comment every 15 s
const MOST = 30_000; // ms between two attempts

// Refused means that no attempt will do better without another user or token.
class Refused extends Error {}

export class Replica extends EventTarget {
  tasks = new Map();
  outbox = [];
  state = "connecting"; // "connecting", "live", "offline" or "refused"

  #base;
  #token;
  #store;
  #next = null; // the sync token of tasks
  #settled; // when the change that is being sent is answered
  #closed = new AbortController();
  #wakes = new Set();
  #dirty;

  // store keeps values under names, as openStore's does.
  constructor(user, token, store) {
    super();
    this.#base = `/api/${encodeURIComponent(user)}`;
    this.#token = token;
    this.#store = store;
    const copy = store.load("copy");
    if (copy) {
      this.tasks = new Map(copy.tasks.map((task) => [task.id, task]));
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

  create(title) {
    // Greater than any id of the server's, so that it is shown as the newest.
    const id = `new-${String(Date.now()).padStart(15, "0")}-${crypto.randomUUID()}`;
    this.#record({ kind: "create", id, fields: { title }, task: { id, title, description: null, completed: false } });
  }

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
    const version = first ? this.tasks.get(change.id)?.version : undefined;
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
    const wanted = change.fields && Object.keys(change.fields).every((name) => now[name] === change.fields[name]);
    const touched = Object.keys(change.seen).some((name) => now[name] !== change.seen[name]);
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
    addEventListener("offline", lost, { signal });
    let timer = setTimeout(lost, QUIET);
    let retry = 0; // ms
    try {
      if (!this.#next) await this.#snapshot();
      const { body } = await this.#ok("/events", { headers: { "Last-Event-ID": this.#next }, signal });
      this.#become("live");
      this.#wake();
      done();
      for await (const event of read(body)) {
        clearTimeout(timer);
        timer = setTimeout(lost, QUIET);
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

  async #snapshot() {
    const tasks = new Map();
    let next = "";
    for (let more = true; more; ) {
      const response = await this.#ok(`/changes?limit=1000${next && `&since=${next}`}`, {});
      const page = await response.json();
      for (const item of page.items) tasks.set(item.id, item);
      ({ next, has_more: more } = page);
    }
    this.tasks = tasks;
    this.#next = next;
    this.#keepCopySoon();
    this.#changed();
  }

  #apply(item) {
    const have = this.tasks.get(item.id);
    if (have && have.version >= item.version) return;
    this.tasks.set(item.id, item);
    this.#keepCopySoon();
    this.#changed();
  }

  // What both need.

  async #fetch(method, path, { headers, body, signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(QUIET)]) }) {
    const authorization = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    const response = await fetch(this.#base + path, { method, headers: { ...authorization, ...headers }, body, signal, cache: "no-store" });
    if (response.ok) return response;
    const type = response.headers.get("Content-Type") ?? "";
    const problem = type.startsWith("application/problem+json") ? await response.clone().json() : {};
    if (["/problems/unauthorized", "/problems/forbidden", "/problems/untrusted-origin"].includes(problem.type)) throw new Refused(problem.detail);
    const inFlight = problem.type === "/problems/idempotency-key-in-flight";
    if (!problem.type || response.status >= 500 || response.status === 408 || response.status === 429 || inFlight) {
      throw Object.assign(new Error(problem.detail ?? response.statusText), { retryAfter: Number(response.headers.get("Retry-After")) });
    }
    return response;
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

  // repeat works until it is closed or refused, ever less often while it fails.
  async #repeat(work) {
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      try {
        await work(() => (failures = 0));
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        if (error instanceof Refused) {
          this.#become("refused");
          return this.#tell("unauthorized", error.message);
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

// request returns how a change is sent: the same bytes, however often.
function request({ kind, id, key, version, fields }) {
  const headers = { "Idempotency-Key": key };
  if (version !== undefined && kind !== "restore") headers["If-Match"] = `"${version}"`;
  if (fields) headers["Content-Type"] = kind === "create" ? "application/json" : "application/merge-patch+json";
  const body = fields && JSON.stringify(fields);
  switch (kind) {
    case "create":
      return ["POST", "/tasks", { headers, body }];
    case "update":
      return ["PATCH", `/tasks/${id}`, { headers, body }];
    case "delete":
      return ["DELETE", `/tasks/${id}`, { headers }];
    case "restore":
      return ["POST", `/tasks/${id}/restore`, { headers }];
  }
}

// read yields the events of a stream, and an empty one for each comment.
async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part; !(part = await reader.read()).done; ) {
    const blocks = (text + part.value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
  }
}
