import { pause } from "./clock.js";
import { DocketError } from "./error.js";
import { uuidv7 } from "./id.js";
import { blocks, type Block } from "./stream.js";
import { Transport, type CallOptions, type ClientOptions } from "./transport.js";
import type {
  BatchOperation, BatchResult, Changes, ExportFormat, ImportResult, Item, Key, KeyCreate, KeyMade, ListQuery, Task, TaskCreate, TaskUpdate, Tombstone,
} from "./types.js";

/** What every write takes. */
export interface WriteOptions extends CallOptions {
  /**
   * Under which the server keeps the answer for 24 hours, so that the write is done once
   * however often it is sent. One is made for each call unless given; "" sends none.
   */
  idempotencyKey?: string | undefined;
}

/** What a write of a task takes. */
export interface ChangeOptions extends WriteOptions {
  /** The version that the task must have; otherwise `precondition-failed`. */
  ifVersion?: number | undefined;
}

export type Client = ReturnType<typeof createClient>;

const FILE = 600_000; // ms that a file may take
const QUIET = 35_000; // ms; the server sends a comment every 15 s
const MERGE = "application/merge-patch+json";
const MEDIA = { json: "application/json", csv: "text/csv", ics: "text/calendar", todotxt: "text/plain" };

const json = (response: Response) => response.json() as Promise<any>;
const nothing = async () => {};

/** Returns a client of one user's tasks. It sends nothing before it is asked to. */
export function createClient(options: ClientOptions) {
  const transport = new Transport(options);
  const get = <T>(path: string, call: CallOptions): Promise<T> => transport.send("GET", path, call, json);

  function write<T>(method: string, path: string, body: unknown, { idempotencyKey = uuidv7(), ...call }: WriteOptions, headers = {}, read = json): Promise<T> {
    const content = body === undefined ? {} : { "Content-Type": "application/json" };
    const all = { "Idempotency-Key": idempotencyKey, ...content, ...headers };
    return transport.send(method, path, { ...call, headers: all, body: body === undefined ? undefined : JSON.stringify(body) }, read);
  }

  const at = (id: string) => `/tasks/${encodeURIComponent(id)}`;
  const match = ({ ifVersion }: ChangeOptions) => ({ "If-Match": ifVersion === undefined ? undefined : `"${ifVersion}"` });

  const tasks = {
    /** One page of a list. `next` is the cursor of the page that follows, if there is one. */
    list: (query: ListQuery = {}, call: CallOptions = {}): Promise<{ tasks: Task[]; next: string | undefined }> =>
      transport.send("GET", `/tasks${search(query)}`, call, async (response) => {
        const link = response.headers.get("Link")?.match(/<\?([^>]*)>;\s*rel="?next/)?.[1];
        return { tasks: await json(response), next: new URLSearchParams(link).get("cursor") ?? undefined };
      }),

    /** All tasks of a list, page by page. */
    async *all(query: ListQuery = {}, call: CallOptions = {}): AsyncGenerator<Task> {
      let cursor = query.cursor;
      do {
        const page = await tasks.list({ limit: 1000, ...query, cursor }, call);
        yield* page.tasks;
        cursor = page.next;
      } while (cursor);
    },

    get: (id: string, call: CallOptions = {}) => get<Task>(at(id), call),

    /** Makes a task. With `id`, a UUIDv7, it is `precondition-failed` when there is one of that id. */
    create: (task: TaskCreate, { id, ...options }: WriteOptions & { id?: string } = {}) =>
      id === undefined
        ? write<Task>("POST", "/tasks", task, options)
        : write<Task>("PUT", at(id), task, options, { "If-None-Match": "*" }),

    /** Changes the fields given, and merges `metadata` into what there is. */
    update: (id: string, changes: TaskUpdate, options: ChangeOptions = {}) =>
      write<Task>("PATCH", at(id), changes, options, { "Content-Type": MERGE, ...match(options) }),

    complete: (id: string, completed = true, options: ChangeOptions = {}) =>
      write<Task>("PATCH", `${at(id)}/complete`, { completed }, options, match(options)),

    /** Undefined where a proxy asks for short answers. */
    delete: (id: string, options: ChangeOptions = {}) =>
      write<Tombstone | undefined>("DELETE", at(id), undefined, options, match(options), async (response) =>
        response.status === 204 ? undefined : json(response)),

    restore: (id: string, options: ChangeOptions = {}) =>
      write<Task>("POST", `${at(id)}/restore`, undefined, options, match(options)),

    /** Does all of 1 to 100 operations, or none. */
    batch: async (operations: BatchOperation[], options: WriteOptions = {}): Promise<BatchResult[]> =>
      (await write<{ results: BatchResult[] }>("POST", "/tasks/batch", { operations }, options)).results,
  };

  const keys = {
    list: (call: CallOptions = {}) => get<Key[]>("/keys", call),
    /**
     * The answer alone has the secret, as `key`. It is sent once, since each time makes another
     * key: when there is no answer, `list` tells of one that is to be revoked.
     */
    create: (key: KeyCreate, { signal }: Pick<CallOptions, "signal"> = {}) =>
      write<KeyMade>("POST", "/keys", key, { signal, patience: 0, idempotencyKey: "" }),
    /** A repetition that finds no such key is a success. */
    revoke: (id: string, call: CallOptions = {}) =>
      transport.send<void>("DELETE", `/keys/${encodeURIComponent(id)}`, { ...call, done: "key-not-found" }, nothing),
  };

  /** What changed since a sync token, or all live tasks without one. */
  const changes = ({ since, limit, ...call }: CallOptions & { since?: string | undefined; limit?: number } = {}) =>
    get<Changes>(`/changes${search({ since, limit })}`, call);

  /** One connection to the stream of changes, until it ends. A heartbeat is an empty block. */
  async function* stream({ since, signal }: { since?: string | undefined; signal?: AbortSignal | undefined }): AsyncGenerator<Block> {
    const response = await transport.open("/events", { "Last-Event-ID": since }, signal);
    yield* blocks(response.body!);
  }

  /**
   * Changes as they are made, since a sync token or from now on. It connects again as long
   * as the signal is not aborted, and loses nothing. It throws `sync-token-expired` when
   * the token is too old: then begin again with `changes`.
   */
  async function* events({ since, signal }: { since?: string | undefined; signal?: AbortSignal | undefined } = {}): AsyncGenerator<Item> {
    let retry = 1000; // ms, as the server asks
    for (let failures = 0; !signal?.aborted; ) {
      const quiet = new AbortController();
      let timer: unknown;
      const heard = () => {
        transport.clock.clearTimeout(timer);
        timer = transport.clock.setTimeout(() => quiet.abort(), QUIET);
      };
      let failure: DocketError | undefined;
      try {
        heard();
        for await (const block of stream({ since, signal: signal ? AbortSignal.any([signal, quiet.signal]) : quiet.signal })) {
          transport.clock.clearTimeout(timer); // it is no silence of the server's while the caller is busy
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
      const wait = 1000 * (failure?.retryAfter ?? 0) + Math.min(30_000, retry * 2 ** failures++);
      await pause(transport.clock, wait * (0.5 + Math.random() / 2), signal).catch(nothing);
    }
  }

  /** Everything the user has, as a file. */
  const exportTasks = (format: ExportFormat = "json", call: CallOptions = {}): Promise<Blob> =>
    transport.send("GET", `/export${search({ format })}`, { ...call, attempt: FILE }, (response) => response.blob());

  /** Adds the tasks of a file that are not there yet. `dryRun` only tells what it would do. */
  const importTasks = (file: string | Blob, { format = "json", dryRun, ...options }: WriteOptions & { format?: ExportFormat; dryRun?: boolean } = {}) => {
    const { idempotencyKey = uuidv7(), ...call } = options;
    const headers = { "Content-Type": MEDIA[format], "Idempotency-Key": idempotencyKey };
    return transport.send<ImportResult>("POST", `/import${search({ dry_run: dryRun })}`, { ...call, headers, body: file, attempt: FILE }, json);
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
    erase: (options: WriteOptions = {}) => write<void>("DELETE", "", undefined, options, {}, nothing),
  };
}

/** Returns a query string. Undefined members are left out, and arrays repeated. */
function search(query: object): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().filter((one) => one !== undefined).map((one) => [name, String(one)]));
  return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : "";
}
