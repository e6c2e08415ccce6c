// Built from clients/typescript/src by scripts/page.mjs. Do not edit.

// src/clock.ts
var systemClock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer)
};
function pause(clock, ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

// src/error.ts
var DocketError = class extends Error {
  /** The HTTP status, 0 when there was no answer. */
  status;
  /**
   * The kind of error, for programs: the last part of the problem's `type`, such as
   * `task-not-found`. Also `unreachable` (no answer, or one cut short), `no-token` (the
   * token function failed) and `not-docket` (an answer that no Docket server gave).
   */
  code;
  /** The problem document; undefined when the server sent none. */
  problem;
  /** Seconds after which the server wants to be asked again; undefined when it did not say. */
  retryAfter;
  constructor(status, code, message, more = {}) {
    super(message, { cause: more.cause });
    this.name = "DocketError";
    this.status = status;
    this.code = code;
    this.problem = more.problem;
    this.retryAfter = more.retryAfter;
  }
  /** Every fault of invalid input, each with its place. */
  get errors() {
    return this.problem?.errors ?? [];
  }
  /** Finds the request in the server's log. */
  get requestId() {
    return this.problem?.request_id;
  }
  /** Whether the same request may succeed later, with nothing else changed. */
  get transient() {
    return [0, 408, 429, 500, 502, 503, 504, 507].includes(this.status) || this.code === "idempotency-key-in-flight";
  }
};
async function errorOf(response) {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : void 0;
  const type = response.headers.get("Content-Type") ?? "";
  const text = await response.text();
  if (type.startsWith("application/problem+json")) {
    try {
      const problem = JSON.parse(text);
      return new DocketError(response.status, problem.type.split("/").pop(), problem.detail, { problem, retryAfter });
    } catch {
    }
  }
  return new DocketError(response.status, "not-docket", `The answer ${response.status} is not Docket's.`, { retryAfter });
}

// src/id.ts
var time = 0;
var count = 0;
function uuidv7(now = Date.now()) {
  if (now > time) {
    time = now;
    count = 0;
  } else if (++count === 4096) {
    time++;
    count = 0;
  }
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  bytes[0] = bytes[0] & 63 | 128;
  const hex = (n, digits) => n.toString(16).padStart(digits, "0");
  const ms = hex(time, 12);
  const random = [...bytes].map((byte) => hex(byte, 2)).join("");
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${hex(count, 3)}-${random.slice(0, 4)}-${random.slice(4)}`;
}

// src/stream.ts
async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let text = "";
    for (let part; !(part = await reader.read()).done; ) {
      const whole = (text + part.value).split("\n\n");
      text = whole.pop();
      for (const block of whole) yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
    }
  } finally {
    void reader.cancel().catch(() => {
    });
  }
}

// src/token.ts
var EARLY = 3e4;
var Tokens = class {
  #source;
  #clock;
  #held;
  constructor(source, clock) {
    this.#source = source;
    this.#clock = clock;
  }
  /** Rejects when the signal is aborted. A function that has not answered by then is asked again by the next call. */
  async get(signal) {
    const source = this.#source;
    if (typeof source !== "function") return source;
    if (signal?.aborted) throw noToken(signal.reason);
    const held = this.#held && this.#clock.now() < this.#held.until ? this.#held : this.#ask(source);
    return new Promise((resolve, reject) => {
      const stop = () => {
        if (!("value" in held)) this.#drop(held);
        reject(noToken(signal.reason));
      };
      signal?.addEventListener("abort", stop, { once: true });
      void held.token.then(resolve, reject).finally(() => signal?.removeEventListener("abort", stop));
    });
  }
  #ask(source) {
    const held = { until: Infinity };
    this.#held = held;
    held.token = (async () => {
      try {
        held.value = await source() ?? void 0;
      } catch (cause) {
        this.#drop(held);
        throw noToken(cause);
      }
      held.until = this.#goodUntil(held.value);
      return held.value;
    })();
    return held;
  }
  #drop(held) {
    if (this.#held === held) this.#held = void 0;
  }
  /** Forgets a token that the server did not take, and reports whether there may be another. */
  renews(token) {
    if (typeof this.#source !== "function") return false;
    if (this.#held && this.#held.value === token) this.#held = void 0;
    return true;
  }
  /**
   * Until when a token is used: some time before it expires, the middle of a short life.
   * One that this clock holds for expired, and one that says nothing, is used until it is
   * refused: the clock may be wrong.
   */
  #goodUntil(token) {
    try {
      const { exp, iat } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
      const now = this.#clock.now();
      const until = exp * 1e3 - Math.min(EARLY, (exp * 1e3 - (iat ? iat * 1e3 : now)) / 2);
      return until > now ? until : Infinity;
    } catch {
      return Infinity;
    }
  }
};
function noToken(cause) {
  return new DocketError(0, "no-token", "No token could be had.", { cause });
}

// src/transport.ts
var ATTEMPT = 2e4;
var FIRST = 300;
var MOST = 1e4;
var Transport = class {
  url;
  clock;
  #patience;
  #fetch;
  #tokens;
  constructor({ baseUrl, user, token, patience = 6e4, fetch, clock = systemClock }) {
    this.url = `${String(baseUrl).replace(/\/+$/, "")}/api/${encodeURIComponent(user)}`;
    this.clock = clock;
    this.#patience = patience;
    this.#fetch = fetch ?? ((...args) => globalThis.fetch(...args));
    this.#tokens = new Tokens(token, clock);
  }
  /**
   * Returns what read makes of a success. It repeats a request that failed in a way that
   * may pass; the caller sees to it that repeating is safe.
   */
  async send(method, path, request, read) {
    const { signal, patience = this.#patience } = request;
    const end = this.clock.now() + patience;
    for (let wait = FIRST; ; wait = Math.min(MOST, 2 * wait)) {
      try {
        return await this.#attempt(method, path, request, read);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = error;
        if (request.done && wait > FIRST && failure.code === request.done) return void 0;
        const ms = 1e3 * (failure.retryAfter ?? 0) + wait * (0.5 + Math.random() / 2);
        if (!failure.transient || this.clock.now() + ms > end) throw failure;
        await pause(this.clock, ms, signal);
      }
    }
  }
  /** Opens a stream: no repetition, and no bound on how long it takes. */
  async open(path, headers, signal) {
    return this.#authorized((token) => this.#request("GET", path, { headers, signal }, token), signal);
  }
  async #attempt(method, path, request, read) {
    const end = new AbortController();
    const timer = this.clock.setTimeout(() => end.abort(), request.attempt ?? ATTEMPT);
    const signal = request.signal ? AbortSignal.any([request.signal, end.signal]) : end.signal;
    try {
      return await this.#authorized(async (token) => {
        const response = await this.#request(method, path, { ...request, signal }, token);
        return read(response).catch(unreachable);
      }, signal);
    } finally {
      this.clock.clearTimeout(timer);
    }
  }
  /** Does work with a token, and once more with another one when the first is not taken. */
  async #authorized(work, signal) {
    const token = await this.#tokens.get(signal);
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof DocketError) || error.status !== 401 && error.status !== 403) throw error;
      if (!this.#tokens.renews(token) || error.status === 403) throw error;
      return work(await this.#tokens.get(signal));
    }
  }
  async #request(method, path, { headers, body, signal }, token) {
    const all = { Authorization: token && `Bearer ${token}`, ...headers };
    const given = Object.entries(all).filter((header) => Boolean(header[1]));
    const response = await this.#fetch(this.url + path, {
      method,
      headers: given,
      cache: "no-store",
      ...body !== void 0 && { body },
      ...signal && { signal }
    }).catch(unreachable);
    if (!response.ok) throw await errorOf(response).catch(unreachable);
    return response;
  }
};
function unreachable(cause) {
  throw new DocketError(0, "unreachable", "The server cannot be reached.", { cause });
}

// src/client.ts
var FILE = 6e5;
var QUIET = 35e3;
var MERGE = "application/merge-patch+json";
var MEDIA = { json: "application/json", csv: "text/csv", ics: "text/calendar", todotxt: "text/plain" };
var json = (response) => response.json();
var nothing = async () => {
};
function createClient(options) {
  const transport = new Transport(options);
  const get = (path, call) => transport.send("GET", path, call, json);
  function write(method, path, body, { idempotencyKey = uuidv7(), ...call }, headers = {}, read = json) {
    const content = body === void 0 ? {} : { "Content-Type": "application/json" };
    const all = { "Idempotency-Key": idempotencyKey, ...content, ...headers };
    return transport.send(method, path, { ...call, headers: all, body: body === void 0 ? void 0 : JSON.stringify(body) }, read);
  }
  const at = (id) => `/tasks/${encodeURIComponent(id)}`;
  const match = ({ ifVersion }) => ({ "If-Match": ifVersion === void 0 ? void 0 : `"${ifVersion}"` });
  const tasks = {
    /** One page of a list. `next` is the cursor of the page that follows, if there is one. */
    list: (query = {}, call = {}) => transport.send("GET", `/tasks${search(query)}`, call, async (response) => {
      const link = response.headers.get("Link")?.match(/<\?([^>]*)>;\s*rel="?next/)?.[1];
      return { tasks: await json(response), next: new URLSearchParams(link).get("cursor") ?? void 0 };
    }),
    /** All tasks of a list, page by page. */
    async *all(query = {}, call = {}) {
      let cursor = query.cursor;
      do {
        const page = await tasks.list({ limit: 1e3, ...query, cursor }, call);
        yield* page.tasks;
        cursor = page.next;
      } while (cursor);
    },
    get: (id, call = {}) => get(at(id), call),
    /** Makes a task. With `id`, a UUIDv7, it is `precondition-failed` when there is one of that id. */
    create: (task, { id, ...options2 } = {}) => id === void 0 ? write("POST", "/tasks", task, options2) : write("PUT", at(id), task, options2, { "If-None-Match": "*" }),
    /** Changes the fields given, and merges `metadata` into what there is. */
    update: (id, changes2, options2 = {}) => write("PATCH", at(id), changes2, options2, { "Content-Type": MERGE, ...match(options2) }),
    complete: (id, completed = true, options2 = {}) => write("PATCH", `${at(id)}/complete`, { completed }, options2, match(options2)),
    /** Undefined where a proxy asks for short answers. */
    delete: (id, options2 = {}) => write("DELETE", at(id), void 0, options2, match(options2), async (response) => response.status === 204 ? void 0 : json(response)),
    restore: (id, options2 = {}) => write("POST", `${at(id)}/restore`, void 0, options2, match(options2)),
    /** Does all of 1 to 100 operations, or none. */
    batch: async (operations, options2 = {}) => (await write("POST", "/tasks/batch", { operations }, options2)).results
  };
  const keys = {
    list: (call = {}) => get("/keys", call),
    /**
     * The answer alone has the secret, as `key`. It is sent once, since each time makes another
     * key: when there is no answer, `list` tells of one that is to be revoked.
     */
    create: (key, { signal } = {}) => write("POST", "/keys", key, { signal, patience: 0, idempotencyKey: "" }),
    /** A repetition that finds no such key is a success. */
    revoke: (id, call = {}) => transport.send("DELETE", `/keys/${encodeURIComponent(id)}`, { ...call, done: "key-not-found" }, nothing)
  };
  const changes = ({ since, limit, ...call } = {}) => get(`/changes${search({ since, limit })}`, call);
  async function* stream({ since, signal }) {
    const response = await transport.open("/events", { "Last-Event-ID": since }, signal);
    yield* blocks(response.body);
  }
  async function* events({ since, signal } = {}) {
    let retry = 1e3;
    for (let failures = 0; !signal?.aborted; ) {
      const quiet = new AbortController();
      let timer;
      const heard = () => {
        transport.clock.clearTimeout(timer);
        timer = transport.clock.setTimeout(() => quiet.abort(), QUIET);
      };
      let failure;
      try {
        heard();
        for await (const block of stream({ since, signal: signal ? AbortSignal.any([signal, quiet.signal]) : quiet.signal })) {
          transport.clock.clearTimeout(timer);
          failures = 0;
          if (block.retry) retry = Number(block.retry);
          if (block.event === "resync") throw new DocketError(410, "sync-token-expired", "The sync token is too old.");
          if (block.data) yield JSON.parse(block.data);
          since = block.id ?? since;
          heard();
        }
      } catch (error) {
        if (error instanceof DocketError) failure = error;
        if (failure && !failure.transient) throw failure;
      } finally {
        transport.clock.clearTimeout(timer);
        quiet.abort();
      }
      const wait = 1e3 * (failure?.retryAfter ?? 0) + Math.min(3e4, retry * 2 ** failures++);
      await pause(transport.clock, wait * (0.5 + Math.random() / 2), signal).catch(nothing);
    }
  }
  const exportTasks = (format = "json", call = {}) => transport.send("GET", `/export${search({ format })}`, { ...call, attempt: FILE }, (response) => response.blob());
  const importTasks = (file, { format = "json", dryRun, ...options2 } = {}) => {
    const { idempotencyKey = uuidv7(), ...call } = options2;
    const headers = { "Content-Type": MEDIA[format], "Idempotency-Key": idempotencyKey };
    return transport.send("POST", `/import${search({ dry_run: dryRun })}`, { ...call, headers, body: file, attempt: FILE }, json);
  };
  return {
    user: options.user,
    /** Where this user's tasks are. */
    url: transport.url,
    clock: transport.clock,
    tasks,
    keys,
    changes,
    stream,
    events,
    export: exportTasks,
    import: importTasks,
    /** Erases everything that is held about the user, for good. */
    erase: (options2 = {}) => write("DELETE", "", void 0, options2, {}, nothing)
  };
}
function search(query) {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().filter((one) => one !== void 0).map((one) => [name, String(one)]));
  return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : "";
}

// src/replica/rules.ts
var FIELDS = ["title", "description", "completed", "priority", "due_date", "tags", "metadata"];
function reconcile(change2, base) {
  const { id, kind, fields, seen } = change2;
  const live = base && !base.deleted ? base : void 0;
  switch (kind) {
    case "create":
      return live ? {} : { send: { fields } };
    case "restore":
      return live ? {} : { send: {} };
    case "delete":
      if (!live) return {};
      if (FIELDS.some((name) => !same(seen?.[name], live[name]))) return { clash: { id, mine: null, theirs: live } };
      return { send: { version: live.version } };
    case "update": {
      if (!live) return { clash: { id, mine: fields, theirs: null } };
      const { send, mine, theirs } = divide(fields, seen, live);
      return {
        ...send && { send: { version: live.version, fields: send } },
        ...mine && { clash: { id, mine, theirs } }
      };
    }
  }
}
function divide(wanted, seen, now) {
  const parts2 = {};
  const put = (part, name, value) => (parts2[part] ??= {})[name] = value;
  for (const [name, want] of Object.entries(wanted)) {
    const before = seen?.[name];
    const current = now[name];
    if (isObject(want) && isObject(before) && isObject(current)) {
      const inner = divide(want, before, current);
      for (const part of ["send", "mine", "theirs"]) if (inner[part]) put(part, name, inner[part]);
    } else if (same(merge(current, want), current)) continue;
    else if (same(before, current)) put("send", name, want);
    else {
      put("mine", name, want);
      put("theirs", name, current ?? null);
    }
  }
  return parts2;
}
function effective(fields, seen) {
  return divide(fields, seen, seen).send;
}
function apply(task, { kind, id, at, fields, seen }, user) {
  switch (kind) {
    case "create":
      return task && !task.deleted ? task : { ...blank(id, user, at), ...stamp(fields, void 0, at), unsent: true };
    case "update":
      return task && { ...task, ...stamp(fields, task, at), updated_at: at, unsent: true };
    case "delete":
      return task && { ...task, deleted: true, deleted_at: at, unsent: true };
    case "restore": {
      const { deleted, deleted_at, ...whole } = { ...seen, ...task };
      return whole.title === void 0 ? void 0 : { ...whole, unsent: true };
    }
  }
}
var DEFAULTS = { description: null, completed: false, completed_at: null, priority: "medium", due_date: null, tags: [], metadata: {} };
function blank(id, user, at) {
  return { id, user_id: user, title: "", ...DEFAULTS, created_at: at, updated_at: at, version: 0 };
}
function stamp(fields, task, at) {
  const { tags, metadata, ...rest } = fields;
  return {
    ...rest,
    ...tags !== void 0 && { tags: tags ?? [] },
    ...metadata !== void 0 && { metadata: metadata === null ? {} : merge(task?.metadata, metadata) },
    ...fields.completed !== void 0 && { completed_at: fields.completed ? task?.completed_at ?? at : null }
  };
}
function normalize(fields) {
  const kept = {};
  for (const name of FIELDS) {
    const value = fields[name];
    if (value === void 0) continue;
    if (name === "title" && typeof value === "string") kept[name] = trim(value);
    else if (name === "tags") kept[name] = Array.isArray(value) ? [...new Set(value.map(trim))] : [];
    else if (name === "metadata") kept[name] = value === null ? null : structuredClone(value);
    else if (name === "due_date" && typeof value === "string") kept[name] = dueDate(value);
    else kept[name] = value;
  }
  return kept;
}
var trim = (text) => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
function dueDate(text) {
  const part = /^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(?:(:\d\d)(?:\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (!part || !part[2]) return text;
  const local = `${part[1]}T${part[2]}${part[3] ?? ":00"}`;
  if (!part[4]) return local;
  const moment2 = new Date(local + part[4].toUpperCase());
  return Number.isNaN(moment2.getTime()) ? text : `${moment2.toISOString().slice(0, 19)}Z`;
}
function merge(target, patch) {
  if (!isObject(patch)) return patch;
  const merged = { ...isObject(target) ? target : {} };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else Object.defineProperty(merged, name, { value: merge(merged[name], value), enumerable: true, configurable: true, writable: true });
  }
  return merged;
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function same(a, b) {
  if (a === b || (a ?? null) === (b ?? null)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => same(one, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  return [.../* @__PURE__ */ new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => same(a[name], b[name]));
}
var timestamp = (ms) => new Date(ms).toISOString().replace("Z", "000Z");
function change(ms, about) {
  return { key: uuidv7(ms), at: timestamp(ms), ...about };
}

// src/replica/mirror.ts
var TASK = "task/";
var CHANGE = "change/";
var NEXT = "next";
var SOON = 100;
var Mirror = class {
  tasks = /* @__PURE__ */ new Map();
  /** In the order in which the changes were made. */
  outbox = [];
  next;
  #storage;
  #events;
  #answered = /* @__PURE__ */ new Set();
  // keys of changes
  #dirty = /* @__PURE__ */ new Map();
  #saving = Promise.resolve();
  #lean = false;
  // only changes are stored: the storage has no room for more
  #timer;
  #view;
  constructor(storage, events) {
    this.#storage = storage;
    this.#events = events;
  }
  /** Reads the storage again, and drops what it does not hold. */
  async load() {
    let saved;
    do
      await (saved = this.flush());
    while (saved !== this.flush());
    if (this.#lean) return;
    const before = new Set(this.outbox.map(({ key }) => key));
    const entries = await this.#storage.load("");
    this.tasks.clear();
    this.outbox = this.outbox.filter(({ key }) => !before.has(key));
    this.next = void 0;
    this.receive(entries);
  }
  /** Looks for changes that a tab stored and could not tell of before it ended. Reports whether there are any. */
  async loadChanges() {
    if (this.#lean) return false;
    const known = new Set(this.outbox.map(({ key }) => key));
    const found = (await this.#storage.load(CHANGE)).filter(([key]) => !known.has(key.slice(CHANGE.length)));
    if (found.length > 0) this.receive(found);
    return found.length > 0;
  }
  /** Takes over records that are stored, perhaps by a version that knew fewer fields. */
  receive(entries) {
    for (const [key, value] of entries) {
      if (key === NEXT) this.next = value;
      else if (key.startsWith(TASK)) this.#set(key.slice(TASK.length), value ? { ...value, ...{ ...DEFAULTS, ...value } } : void 0);
      else if (value === void 0) this.#drop(key.slice(CHANGE.length));
      else this.#keep(value);
    }
    this.#changed();
  }
  /** Keeps a change; it is stored when flush resolves. */
  record(change2) {
    this.#keep(change2);
    this.#dirty.set(CHANGE + change2.key, change2);
    this.#changed();
  }
  /** Forgets a change that was answered, or that its user has taken back. */
  finish(change2) {
    this.#drop(change2.key);
    this.#dirty.set(CHANGE + change2.key, void 0);
    this.#changed();
  }
  /** Takes an item of the server, unless a later version is here. A deleted task keeps what it was. */
  put(item) {
    const old = this.tasks.get(item.id);
    if (old && old.version >= item.version) return;
    const known = "title" in item ? item : { ...old, ...item };
    this.#set(item.id, known);
    this.#dirty.set(TASK + item.id, known);
    this.#changed();
  }
  /** Takes what the server has changed since next, or all that it has; then is the token after it. */
  advance(items, next, all) {
    if (all) {
      for (const id of this.tasks.keys()) this.#dirty.set(TASK + id, void 0);
      this.tasks.clear();
    }
    for (const item of items) this.put(item);
    this.next = next;
    this.#dirty.set(NEXT, next);
    this.#changed();
  }
  /**
   * Takes a task for deleted of which the server said no more than that, unless it has
   * another version than when the server was asked: that may be newer.
   */
  bury(id, at, asked) {
    const task = this.tasks.get(id);
    if (!task || task.version !== asked) return;
    const buried = { ...task, deleted: true, deleted_at: at };
    this.#set(id, buried);
    this.#dirty.set(TASK + id, buried);
    this.#changed();
  }
  /** Returns all tasks as the user should see them, by id. */
  view(user) {
    if (this.#view) return this.#view;
    const shown = /* @__PURE__ */ new Map();
    for (const [id, task] of this.tasks) if (task.title !== void 0) shown.set(id, task);
    for (const change2 of this.outbox) {
      const task = apply(shown.get(change2.id), change2, user);
      if (task) shown.set(change2.id, task);
    }
    return this.#view = shown;
  }
  /** Removes all that is known and stored. It does not reject. */
  async clear() {
    await this.flush();
    this.tasks.clear();
    this.outbox = [];
    this.next = void 0;
    this.#changed();
    const remove = async () => this.#storage.save((await this.#storage.load("")).map(([key]) => [key, void 0]));
    await remove().catch(this.#events.failed);
  }
  /** Saves all that changed, after all earlier saves. It does not reject. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = void 0;
    if (this.#dirty.size > 0) {
      const entries = [...this.#dirty];
      this.#dirty.clear();
      this.#saving = this.#saving.then(() => this.#write(entries));
    }
    return this.#saving;
  }
  /** Saves soon, with what changes until then. */
  flushSoon() {
    this.#timer ??= setTimeout(() => void this.flush(), SOON);
  }
  async #write(entries) {
    try {
      await this.#storage.save(this.#lean ? entries.filter(([key]) => key.startsWith(CHANGE)) : entries);
    } catch (error) {
      this.#events.failed(error);
      this.#lean = true;
      const copy = [...this.tasks.keys()].map((id) => [TASK + id, void 0]);
      const changes = this.outbox.map((change2) => [CHANGE + change2.key, change2]);
      await this.#storage.save([...copy, [NEXT, void 0], ...changes]).catch(() => {
      });
    }
    this.#events.saved(entries);
  }
  #set(id, task) {
    if (task) this.tasks.set(id, task);
    else this.tasks.delete(id);
  }
  #keep(change2) {
    if (this.#answered.has(change2.key)) return;
    const i = this.outbox.findIndex(({ key }) => key >= change2.key);
    if (i < 0) this.outbox.push(change2);
    else this.outbox.splice(i, this.outbox[i].key === change2.key ? 1 : 0, change2);
  }
  #drop(key) {
    this.#answered.add(key);
    this.outbox = this.outbox.filter((change2) => change2.key !== key);
  }
  #changed() {
    this.#view = void 0;
    this.#events.changed();
  }
};

// src/replica/query.ts
var RANK = { low: 0, medium: 1, high: 2 };
function select(tasks, query) {
  const { status, completed = status && status !== "all" ? status === "completed" : void 0, deleted = false, q, limit, offset = 0 } = query;
  const priorities = parts(query.priority);
  const tags = parts(query.tag).map((tag) => folding(tag, true));
  const from = query.due_after === void 0 ? void 0 : moment(dueDate(query.due_after));
  const before = query.due_before === void 0 ? void 0 : moment(dueDate(query.due_before));
  const sought = q === void 0 ? void 0 : folding(q, false);
  const found = [];
  for (const task of tasks) {
    const due = moment(task.due_date);
    if (Boolean(task.deleted) === deleted && (completed === void 0 || task.completed === completed) && (priorities.length === 0 || priorities.includes(task.priority)) && tags.every((tag) => task.tags.some((name) => tag.test(name))) && (from === void 0 || due !== void 0 && due >= from) && (before === void 0 || due !== void 0 && due < before) && (!sought || [task.title, task.description ?? "", ...task.tags].some((text) => sought.test(text)))) {
      found.push(task);
    }
  }
  return found.sort(order(query.sort ?? "created_at")).slice(offset, limit === void 0 ? void 0 : offset + limit);
}
function parts(values) {
  return [values ?? []].flat().flatMap((value) => value.split(",")).map((part) => part.trim());
}
function folding(sought, whole) {
  const literal = sought.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(whole ? `^${literal}$` : literal, "iu");
}
function moment(due) {
  if (due === null) return void 0;
  return due.length === 10 ? `${due}T00:00:00Z` : due.endsWith("Z") ? due : `${due}Z`;
}
function order(sort) {
  const descending = sort.startsWith("-");
  const name = descending ? sort.slice(1) : sort;
  return (a, b) => {
    if (name === "due_date" && a.due_date === null !== (b.due_date === null)) return a.due_date === null ? 1 : -1;
    const rank = compare(name, a, b) || byText(a.id, b.id);
    return descending ? -rank : rank;
  };
}
function compare(name, a, b) {
  switch (name) {
    case "created_at":
      return 0;
    // the order of ids
    case "updated_at":
      return byText(a.updated_at, b.updated_at);
    case "title":
      return byCodePoint(a.title, b.title);
    case "due_date":
      return byText(moment(a.due_date) ?? "", moment(b.due_date) ?? "");
    case "priority":
      return RANK[a.priority] - RANK[b.priority];
  }
}
var byText = (a, b) => a < b ? -1 : a > b ? 1 : 0;
function byCodePoint(a, b) {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogates = Number(x >= 55296 && x < 57344) - Number(y >= 55296 && y < 57344);
    return surrogates || x - y;
  }
  return a.length - b.length;
}

// src/replica/storage.ts
function memoryStorage() {
  const scopes = /* @__PURE__ */ new Map();
  let records = /* @__PURE__ */ new Map();
  return {
    async open(scope) {
      records = scopes.get(scope) ?? /* @__PURE__ */ new Map();
      scopes.set(scope, records);
    },
    load: async (prefix) => [...records].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key, structuredClone(value)]),
    async save(entries) {
      for (const [key, value] of structuredClone(entries)) {
        if (value === void 0) records.delete(key);
        else records.set(key, value);
      }
    },
    close() {
    }
  };
}
var RECORDS = "records";
function indexedDBStorage({ name = "docket" } = {}) {
  let scope = "";
  let database;
  function connect() {
    database ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(`${name}/${scope}`, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(RECORDS);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const forget = () => database = void 0;
        request.result.onclose = forget;
        request.result.onversionchange = () => {
          request.result.close();
          forget();
        };
        resolve(request.result);
      };
    });
    database.catch(() => database = void 0);
    return database;
  }
  async function run(mode, work) {
    const transaction = (await connect()).transaction(RECORDS, mode);
    return new Promise((resolve, reject) => {
      const result = work(transaction.objectStore(RECORDS));
      transaction.oncomplete = () => resolve(result());
      transaction.onabort = () => reject(transaction.error);
    });
  }
  return {
    shared: true,
    async open(of) {
      scope = of;
      await connect();
    },
    load: (prefix) => run("readonly", (store) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}￿`);
      const keys = store.getAllKeys(range);
      const values = store.getAll(range);
      return () => keys.result.map((key, i) => [String(key), values.result[i]]);
    }),
    save: (entries) => run("readwrite", (store) => {
      for (const [key, value] of entries) {
        if (value === void 0) store.delete(key);
        else store.put(value, key);
      }
      return () => void 0;
    }),
    close() {
      void database?.then((open) => open.close(), () => {
      });
      database = void 0;
    }
  };
}

// src/replica/sync.ts
var QUIET2 = 35e3;
var MOST2 = 3e4;
var Sync = class {
  #client;
  #mirror;
  #events;
  #closed = new AbortController();
  #wakes = /* @__PURE__ */ new Set();
  #state = "connecting";
  #quiet = false;
  // whether the last stream said nothing: then the changes are asked for
  #whole;
  // whether the copy is all that the server had at some moment; until then nothing is sent
  #sending = Promise.resolve();
  constructor(client, mirror, events) {
    this.#client = client;
    this.#mirror = mirror;
    this.#events = events;
    this.#whole = mirror.next !== void 0;
  }
  run() {
    void this.#repeat((done) => this.#follow(done));
    void this.#repeat((done) => this.#send(done));
  }
  stop() {
    this.#closed.abort();
    this.wake();
  }
  /** Begins at once with what waits. */
  wake() {
    for (const wake of [...this.#wakes]) wake();
  }
  // Sending.
  async #send(done) {
    const change2 = this.#mirror.outbox[0];
    if (!change2 || !this.#whole) return this.#pause();
    await (this.#sending = this.#deliver(change2));
    done();
  }
  async #deliver(change2) {
    const sent = change2.sent ? change2 : this.#prepare(change2);
    await this.#mirror.flush();
    if (sent && !this.#closed.signal.aborted) await this.#settle(sent);
  }
  /** Decides how a change is sent. Undefined: it is not. */
  #prepare(change2) {
    const { send, clash } = reconcile(change2, this.#mirror.tasks.get(change2.id));
    if (clash) this.#events.clash(clash, change2.seen);
    if (!send) {
      this.#mirror.finish(change2);
      return void 0;
    }
    const sent = { ...change2, sent: { key: uuidv7(this.#client.clock.now()), ...send } };
    this.#mirror.record(sent);
    return sent;
  }
  async #settle(change2) {
    const asked = this.#mirror.tasks.get(change2.id)?.version;
    try {
      const answer = await this.#request(change2);
      if (answer) this.#mirror.put(answer);
      else this.#mirror.bury(change2.id, change2.at, asked);
      this.#mirror.finish(change2);
    } catch (error) {
      if (!(error instanceof DocketError) || waits(error) || this.#closed.signal.aborted) throw error;
      await this.#refused(change2, error, asked);
    }
    await this.#mirror.flush();
  }
  #request({ id, kind, sent }) {
    const { key, version, fields } = sent;
    const call = { idempotencyKey: key, ifVersion: version, signal: this.#closed.signal, patience: 0 };
    const { tasks } = this.#client;
    switch (kind) {
      case "create":
        return tasks.create(fields, { ...call, id });
      case "update":
        return tasks.update(id, fields, call);
      case "delete":
        return tasks.delete(id, call);
      case "restore":
        return tasks.restore(id, call);
    }
  }
  async #refused(change2, error, asked) {
    const { id, kind, seen, sent } = change2;
    const mirror = this.#mirror;
    if (error.code === "quota-exceeded") {
      mirror.record({ ...change2, sent: { ...sent, key: "" } });
    } else if (error.status === 412 || error.status === 404 && kind === "update") {
      const now = await this.#client.tasks.get(id, { signal: this.#closed.signal, patience: 0 }).catch((error2) => {
        if (error2.status !== 404) throw error2;
      });
      if (now) mirror.put(now);
      else mirror.bury(id, change2.at, asked);
      if (kind === "create") mirror.finish(change2);
      else mirror.record({ ...change2, sent: void 0 });
      const { version = 0 } = sent;
      if (now && now.version <= version) {
        if (now.version < version) this.#giveUp();
        throw error;
      }
    } else if (kind === "restore" && error.status === 404 && seen) {
      mirror.record({ ...change2, kind: "create", fields: normalize(seen), sent: void 0 });
    } else {
      const already = kind === "delete" && error.status === 404 || kind === "restore" && error.status === 409;
      if (!already) this.#events.refused(change2, error);
      else if (kind === "delete") mirror.bury(id, change2.at, asked);
      mirror.finish(change2);
      if (kind === "create") for (const next of mirror.outbox.filter((next2) => next2.id === id)) mirror.finish(next);
    }
  }
  // Following.
  async #follow(done) {
    const { clock } = this.#client;
    const mirror = this.#mirror;
    const end = new AbortController();
    const signal = AbortSignal.any([this.#closed.signal, end.signal]);
    const lost = () => end.abort();
    globalThis.addEventListener?.("offline", lost, { signal });
    let timer;
    const listen = () => {
      clock.clearTimeout(timer);
      timer = clock.setTimeout(() => {
        this.#quiet = true;
        done();
        lost();
      }, QUIET2);
    };
    let retry = 0;
    let since = this.#whole ? mirror.next : void 0;
    try {
      if (!since || this.#quiet) {
        since = await this.#catchUp(since);
        this.#become("connecting");
      }
      listen();
      this.#quiet = true;
      for await (const block of this.#client.stream({ since, signal })) {
        listen();
        if (this.#quiet || this.#state !== "live") {
          this.#quiet = false;
          this.#become("live");
          this.wake();
          done();
        }
        if (block.retry) retry = Number(block.retry);
        if (block.event === "resync") this.#giveUp();
        if (!this.#whole) return;
        if (block.id && (block.data || mirror.next)) mirror.advance(block.data ? [JSON.parse(block.data)] : [], block.id, false);
        else if (await mirror.loadChanges()) this.wake();
        mirror.flushSoon();
      }
    } catch (error) {
      if (error instanceof DocketError) this.#reconsider(error, since);
      throw error;
    } finally {
      clock.clearTimeout(timer);
      end.abort();
      if (this.#state !== "refused") this.#become("offline");
    }
    throw new DocketError(0, "unreachable", "The stream ended.", { retryAfter: retry / 1e3 });
  }
  /**
   * Asks for what has changed since the sync token, or for all without one. Nothing is sent
   * while all is asked for, which may be older than the answer. Returns the token that
   * follows. That of a user without tasks is not kept: it may be from before the user's
   * history, and is then good in each one that begins later.
   */
  async #catchUp(since) {
    const items = [];
    const all = !since;
    if (all) {
      this.#whole = false;
      await this.#sending.catch(() => {
      });
    }
    for (let more = true; more; ) {
      const page = await this.#client.changes({ since, limit: 1e3, signal: this.#closed.signal, patience: 0 });
      items.push(...page.items);
      since = page.next;
      more = page.has_more;
    }
    this.#mirror.advance(items, all && items.length === 0 ? void 0 : since, all);
    this.#mirror.flushSoon();
    if (all) {
      this.#whole = true;
      this.wake();
    }
    return since;
  }
  /** A sync token that the server does not take is given up; without one there can be no such user. */
  #reconsider(error, since) {
    if (waits(error)) return;
    if (!since && error.status !== 410) throw new Refused(error);
    this.#giveUp();
  }
  /** Has all asked for again, and nothing sent before. */
  #giveUp() {
    this.#whole = false;
    this.#mirror.next = void 0;
  }
  // What both need.
  /** Works until it is stopped or refused, ever less often while it fails. */
  async #repeat(work) {
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      try {
        await work(() => failures = 0);
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        const cause = error instanceof Refused ? error.cause : error;
        if (error instanceof Refused || forbidden(cause)) {
          this.#become("refused", cause);
          if (cause.status !== 401) return this.stop();
        }
        const wait = Math.min(MOST2, 500 * 2 ** failures++) * (0.5 + Math.random() / 2);
        await this.#pause(Math.max(1e3 * (cause.retryAfter ?? 0), wait));
      }
    }
  }
  async #pause(ms) {
    const end = new AbortController();
    const wake = () => end.abort();
    this.#wakes.add(wake);
    if (this.#closed.signal.aborted) wake();
    if (ms !== void 0) await pause(this.#client.clock, ms, end.signal).catch(() => {
    });
    else if (!end.signal.aborted) await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
    this.#wakes.delete(wake);
  }
  #become(state, error) {
    if (this.#closed.signal.aborted) return;
    this.#state = state;
    this.#events.state(state, error);
  }
};
var Refused = class extends Error {
  cause;
  constructor(cause) {
    super();
    this.cause = cause;
  }
};
function forbidden(error) {
  return error.status === 401 || ["forbidden", "insufficient-scope", "untrusted-origin"].includes(error.code);
}
function waits(error) {
  return error.transient || forbidden(error) || error.code === "not-docket";
}

// src/replica/tabs.ts
function alone(lead) {
  queueMicrotask(lead);
  return { others: false, post() {
  }, close() {
  } };
}
function join(name, receive, lead) {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => receive(data);
  const closed = new AbortController();
  let release = () => {
  };
  const held = new Promise((resolve) => release = resolve);
  navigator.locks.request(name, { signal: closed.signal }, () => {
    if (closed.signal.aborted) return;
    lead();
    return held;
  }).catch(() => {
  });
  channel.postMessage({ type: "hello" });
  return {
    others: true,
    post: (message) => {
      if (!closed.signal.aborted) channel.postMessage(message);
    },
    close() {
      closed.abort();
      release();
      channel.close();
    }
  };
}

// src/replica/replica.ts
var QUERIES = 100;
function createReplica({ client, storage = memoryStorage() }) {
  const { user } = client;
  const listeners = /* @__PURE__ */ new Set();
  const handlers = { conflict: /* @__PURE__ */ new Set(), refused: /* @__PURE__ */ new Set(), storage: /* @__PURE__ */ new Set() };
  const queries = /* @__PURE__ */ new Map();
  let views = [];
  let tabs;
  let leads = false;
  let sync;
  let opened;
  let closing = Promise.resolve();
  let status = { state: "connecting", unsent: 0 };
  const mirror = new Mirror(storage, {
    changed() {
      if (mirror.outbox.length !== status.unsent) status = { ...status, unsent: mirror.outbox.length };
      for (const listener of [...listeners]) listener();
    },
    saved: (entries) => tabs?.post({ type: "records", entries }),
    failed: (error) => tell("storage", error)
  });
  function tell(name, detail) {
    for (const handler of [...handlers[name]]) handler(detail);
  }
  function tellAll(name, detail) {
    tabs?.post({ type: "event", name, detail });
    hear(name, detail);
  }
  function hear(name, detail) {
    if (name === "refused") return tell("refused", detail);
    const { seen, ...clash } = detail;
    tell("conflict", { ...clash, task: mirror.view(user).get(clash.id) ?? seen, keepMine: () => keep(clash, seen) });
  }
  function keep({ id, mine, theirs }, seen) {
    if (mine === null) return remove(id);
    if (theirs === null) record({ kind: "restore", id, seen: mirror.view(user).get(id) ?? seen });
    update(id, mine);
  }
  function become(state, error) {
    status = { state, unsent: mirror.outbox.length, ...error && { error } };
    tabs?.post({ type: "state", state: { state, error: error && plain(error) } });
    for (const listener of [...listeners]) listener();
  }
  function receive(message) {
    switch (message.type) {
      case "records":
        mirror.receive(message.entries);
        return sync?.wake();
      case "state": {
        if (leads) return;
        const { state, error } = message.state;
        return become(state, error);
      }
      case "start":
        return leads && status.state === "refused" ? follow() : void 0;
      case "hello":
        return leads ? tabs?.post({ type: "state", state: { state: status.state, error: status.error && plain(status.error) } }) : void 0;
      case "event":
        return hear(message.name, message.detail);
    }
  }
  function follow() {
    sync?.stop();
    sync = new Sync(client, mirror, {
      state: become,
      clash: (clash, seen) => tellAll("conflict", { ...clash, seen }),
      refused: (change2, error) => tellAll("refused", { id: change2.id, change: change2, error: plain(error) })
    });
    sync.run();
  }
  async function lead(isOpen) {
    if (tabs?.others) await mirror.load().catch((error) => tell("storage", error));
    if (!isOpen()) return;
    leads = true;
    become("connecting");
    follow();
  }
  async function open(isOpen, done) {
    const scope = client.url;
    const early = [];
    let take = (message) => void early.push(message);
    const begin = () => void done.then(() => lead(isOpen));
    try {
      await storage.open(scope);
      const shares = storage.shared && typeof navigator === "object" && navigator.locks;
      if (shares) tabs = join(`docket ${scope}`, (message) => take(message), begin);
      mirror.receive(await storage.load(""));
    } catch (error) {
      tell("storage", error);
    }
    take = receive;
    early.forEach(receive);
    if (!isOpen()) return;
    tabs ??= alone(begin);
    globalThis.addEventListener?.("online", wake);
    globalThis.addEventListener?.("pagehide", flush);
  }
  const wake = () => sync?.wake();
  const flush = () => void mirror.flush();
  function record(about) {
    const last = mirror.outbox.at(-1);
    const after = last ? parseInt(last.key.replace("-", "").slice(0, 12), 16) + 1 : 0;
    mirror.record(change(Math.max(client.clock.now(), after), about));
    commit();
  }
  function commit() {
    if (opened) void opened.then(() => mirror.flush()).then(wake);
  }
  function pending(id) {
    const last = leads || !tabs ? mirror.outbox.findLast((change2) => change2.id === id) : void 0;
    return last?.sent ? void 0 : last;
  }
  function create(task, { id = uuidv7(client.clock.now()) } = {}) {
    record({ kind: "create", id, fields: normalize(task) });
    return mirror.view(user).get(id);
  }
  function update(id, changes, seen = mirror.view(user).get(id)) {
    if (!seen) return;
    const fields = effective(normalize(changes), seen);
    if (!fields) return;
    const last = pending(id);
    if (last?.kind === "create") {
      const made = apply(apply(void 0, last, user), { ...last, kind: "update", fields }, user);
      mirror.record({ ...last, fields: normalize(made) });
      commit();
    } else if (last?.kind === "update" && seen === mirror.view(user).get(id) && !(last.fields.metadata && fields.metadata)) {
      const before = Object.fromEntries(Object.keys(last.fields).map((name) => [name, last.seen[name]]));
      mirror.record({ ...last, fields: { ...last.fields, ...fields }, seen: { ...seen, ...before } });
      commit();
    } else {
      record({ kind: "update", id, fields, seen });
    }
  }
  function remove(id) {
    const seen = mirror.view(user).get(id);
    if (seen && !seen.deleted) record({ kind: "delete", id, seen });
  }
  function restore(id) {
    const last = pending(id);
    if (last?.kind === "delete") {
      mirror.finish(last);
      commit();
    } else {
      record({ kind: "restore", id, seen: mirror.view(user).get(id) });
    }
  }
  return {
    /** Reads what is stored and follows the server; after "refused", tries again at once. */
    start() {
      if (!opened) {
        const done = closing.then(() => open(() => opened === done, done));
        opened = done;
      } else if (status.state === "refused") {
        if (leads) follow();
        else tabs?.post({ type: "start" });
      }
    },
    /** Resolves when what is stored has been read. */
    async ready() {
      await opened;
    },
    /** The tasks of a query as the user should see them now; the same array while they stay the same. */
    tasks(query = {}) {
      const key = JSON.stringify(query);
      const of = mirror.view(user);
      const before = queries.get(key);
      if (before?.of === of) return before.tasks;
      if (of !== views[0]) views = [of, ...views.slice(0, 1)];
      const now = select(of.values(), query);
      const tasks = before && now.length === before.tasks.length && now.every((task, i) => task === before.tasks[i]) ? before.tasks : now;
      queries.delete(key);
      queries.set(key, { of, tasks });
      for (const [old, entry] of queries) {
        if (queries.size <= QUERIES || views.includes(entry.of)) break;
        queries.delete(old);
      }
      return tasks;
    },
    /** One task as the user should see it now; undefined when there is none, or it is deleted. */
    get(id) {
      const task = mirror.view(user).get(id);
      return task?.deleted ? void 0 : task;
    },
    /** Makes a task at once; it gets the id that it is returned with. */
    create,
    /**
     * Changes fields of a task at once; `metadata` is merged. With `seen`, the task as a form
     * showed it, what others have changed since then is not overwritten.
     */
    update,
    /** Deletes a task at once. */
    delete: remove,
    /** Undoes a delete at once. */
    restore,
    /** Calls listener after each change of what tasks, get and status return. */
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** A new object whenever it changes. */
    get status() {
      return status;
    },
    /** Calls handler for each event of a kind, until the function that it returns is called. */
    on(name, handler) {
      handlers[name].add(handler);
      return () => void handlers[name].delete(handler);
    },
    /** Resolves when the server has answered every change. */
    async settled() {
      await opened;
      return new Promise((resolve) => {
        const look = () => {
          if (mirror.outbox.length > 0) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      });
    },
    /**
     * Saves what is unsaved and ends; another tab leads then. It can be started again.
     * `forget` removes all that is stored, unsent changes too: for signing out.
     */
    close({ forget = false } = {}) {
      const was = opened;
      opened = void 0;
      return closing = closing.then(async () => {
        await was;
        sync?.stop();
        sync = void 0;
        await (forget ? mirror.clear() : mirror.flush());
        globalThis.removeEventListener?.("online", wake);
        globalThis.removeEventListener?.("pagehide", flush);
        tabs?.close();
        tabs = void 0;
        leads = false;
        storage.close();
      });
    }
  };
}
function plain({ code, status, message }) {
  return { code, status, message };
}
export {
  DocketError,
  apply,
  createClient,
  createReplica,
  indexedDBStorage,
  memoryStorage,
  merge,
  normalize,
  reconcile,
  select,
  uuidv7
};
