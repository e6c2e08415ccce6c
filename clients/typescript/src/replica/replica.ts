import type { Client } from "../client.js";
import type { DocketError } from "../error.js";
import { uuidv7 } from "../id.js";
import type { Task, TaskCreate, TaskUpdate } from "../types.js";
import { Mirror } from "./mirror.js";
import { select, type LiveQuery } from "./query.js";
import { apply, change, effective, normalize, type Change, type Clash, type View } from "./rules.js";
import { memoryStorage, type Storage } from "./storage.js";
import { Sync, type State } from "./sync.js";
import { alone, join, type Message, type Tabs } from "./tabs.js";

/** What createReplica takes. */
export interface ReplicaOptions {
  client: Client;
  /** Where the copy and the unsent changes are kept; in memory unless given. */
  storage?: Storage;
}

/** How far a replica is in step with the server. */
export interface Status {
  state: State;
  /** How many changes the server has not answered. */
  unsent: number;
  /** Why the state is "refused". */
  error?: DocketError | { code: string; status: number; message: string };
}

/** Fields that were not set, or a delete that was not made, since others changed the same. */
export interface Conflict {
  id: string;
  /** The task as the user saw it then, or now. */
  task: View | undefined;
  /** The fields that were not set; null for a delete. */
  mine: TaskUpdate | null;
  /** What they are instead; null when the task was deleted. Of a delete, the task. */
  theirs: TaskUpdate | Task | null;
  /** Makes the change all the same. */
  keepMine(): void;
}

/** A change that the server did not take, and why. */
export interface Refusal {
  id: string;
  change: Change;
  error: { code: string; status: number; message: string };
}

export interface ReplicaEvents {
  conflict: Conflict;
  refused: Refusal;
  /** The storage failed. What it cannot keep lives as long as this tab. */
  storage: unknown;
}

export type Replica = ReturnType<typeof createReplica>;

const QUERIES = 100; // live queries that are remembered, besides those in use

/**
 * Returns a copy of a user's tasks that works offline and ends up as the server's. It does
 * nothing before start is called.
 */
export function createReplica({ client, storage = memoryStorage() }: ReplicaOptions) {
  const { user } = client;
  const listeners = new Set<() => void>();
  const handlers: { [Name in keyof ReplicaEvents]: Set<(detail: ReplicaEvents[Name]) => void> } = { conflict: new Set(), refused: new Set(), storage: new Set() };
  const queries = new Map<string, { of: ReadonlyMap<string, View>; tasks: readonly View[] }>(); // in the order of their views
  let views: ReadonlyMap<string, View>[] = []; // the last two: what was asked of them is in use
  let tabs: Tabs | undefined; // while it is open
  let leads = false;
  let sync: Sync | undefined; // while this tab leads
  let opened: Promise<void> | undefined; // from start to close; resolves when what is stored was read
  let closing: Promise<void> = Promise.resolve();
  let status: Status = { state: "connecting", unsent: 0 };

  const mirror = new Mirror(storage, {
    changed() {
      if (mirror.outbox.length !== status.unsent) status = { ...status, unsent: mirror.outbox.length };
      for (const listener of [...listeners]) listener();
    },
    saved: (entries) => tabs?.post({ type: "records", entries }),
    failed: (error) => tell("storage", error),
  });

  function tell<Name extends keyof ReplicaEvents>(name: Name, detail: ReplicaEvents[Name]): void {
    for (const handler of [...handlers[name]]) handler(detail);
  }

  /** Tells this tab and all others: the one that made a change may be another. */
  function tellAll(name: "conflict" | "refused", detail: unknown): void {
    tabs?.post({ type: "event", name, detail });
    hear(name, detail);
  }

  function hear(name: string, detail: unknown): void {
    if (name === "refused") return tell("refused", detail as Refusal);
    const { seen, ...clash } = detail as Clash & { seen?: View };
    tell("conflict", { ...clash, task: mirror.view(user).get(clash.id) ?? seen, keepMine: () => keep(clash, seen) });
  }

  function keep({ id, mine, theirs }: Clash, seen: View | undefined): void {
    if (mine === null) return remove(id);
    if (theirs === null) record({ kind: "restore", id, seen: mirror.view(user).get(id) ?? seen });
    update(id, mine);
  }

  function become(state: State, error?: Status["error"]): void {
    status = { state, unsent: mirror.outbox.length, ...(error && { error }) };
    tabs?.post({ type: "state", state: { state, error: error && plain(error) } });
    for (const listener of [...listeners]) listener();
  }

  function receive(message: Message): void {
    switch (message.type) {
      case "records":
        mirror.receive(message.entries);
        return sync?.wake();
      case "state": {
        if (leads) return;
        const { state, error } = message.state as Status;
        return become(state, error);
      }
      case "start":
        return leads && status.state === "refused" ? follow() : undefined;
      case "hello":
        return leads ? tabs?.post({ type: "state", state: { state: status.state, error: status.error && plain(status.error) } }) : undefined;
      case "event":
        return hear(message.name, message.detail);
    }
  }

  function follow(): void {
    sync?.stop();
    sync = new Sync(client, mirror, {
      state: become,
      clash: (clash, seen) => tellAll("conflict", { ...clash, seen }),
      refused: (change, error) => tellAll("refused", { id: change.id, change, error: plain(error) }),
    });
    sync.run();
  }

  /** Another tab that led before may have stored what it could not tell. */
  async function lead(isOpen: () => boolean): Promise<void> {
    if (tabs?.others) await mirror.load().catch((error: unknown) => tell("storage", error));
    if (!isOpen()) return;
    leads = true;
    become("connecting");
    follow();
  }

  async function open(isOpen: () => boolean, done: Promise<void>): Promise<void> {
    const scope = client.url;
    const early: Message[] = []; // what other tabs tell while the storage is read
    let take: (message: Message) => void = (message) => void early.push(message);
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

  function record(about: Omit<Change, "key" | "at">): void {
    const last = mirror.outbox.at(-1);
    const after = last ? parseInt(last.key.replace("-", "").slice(0, 12), 16) + 1 : 0;
    mirror.record(change(Math.max(client.clock.now(), after), about)); // in order, whatever the clock does
    commit();
  }

  function commit(): void {
    if (opened) void opened.then(() => mirror.flush()).then(wake);
  }

  /** The last change of a task, where it may still be altered: nobody has begun to send it. */
  function pending(id: string): Change | undefined {
    const last = leads || !tabs ? mirror.outbox.findLast((change) => change.id === id) : undefined;
    return last?.sent ? undefined : last;
  }

  function create(task: TaskCreate, { id = uuidv7(client.clock.now()) }: { id?: string } = {}): View {
    record({ kind: "create", id, fields: normalize(task) });
    return mirror.view(user).get(id)!;
  }

  function update(id: string, changes: TaskUpdate, seen: View | undefined = mirror.view(user).get(id)): void {
    if (!seen) return;
    const fields = effective(normalize(changes), seen);
    if (!fields) return;
    const last = pending(id);
    if (last?.kind === "create") {
      const made = apply(apply(undefined, last, user), { ...last, kind: "update", fields }, user)!;
      mirror.record({ ...last, fields: normalize(made) });
      commit();
    } else if (last?.kind === "update" && seen === mirror.view(user).get(id) && !(last.fields!.metadata && fields.metadata)) {
      const before = Object.fromEntries(Object.keys(last.fields!).map((name) => [name, last.seen![name as keyof View]]));
      mirror.record({ ...last, fields: { ...last.fields, ...fields }, seen: { ...seen, ...before } });
      commit();
    } else {
      record({ kind: "update", id, fields, seen });
    }
  }

  function remove(id: string): void {
    const seen = mirror.view(user).get(id);
    if (seen && !seen.deleted) record({ kind: "delete", id, seen });
  }

  function restore(id: string): void {
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
    start(): void {
      if (!opened) {
        const done: Promise<void> = closing.then(() => open(() => opened === done, done));
        opened = done;
      } else if (status.state === "refused") {
        if (leads) follow();
        else tabs?.post({ type: "start" });
      }
    },

    /** Resolves when what is stored has been read. */
    async ready(): Promise<void> {
      await opened;
    },

    /** The tasks of a query as the user should see them now; the same array while they stay the same. */
    tasks(query: LiveQuery = {}): readonly View[] {
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
    get(id: string): View | undefined {
      const task = mirror.view(user).get(id);
      return task?.deleted ? undefined : task;
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
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** A new object whenever it changes. */
    get status(): Status {
      return status;
    },

    /** Calls handler for each event of a kind, until the function that it returns is called. */
    on<Name extends keyof ReplicaEvents>(name: Name, handler: (detail: ReplicaEvents[Name]) => void): () => void {
      handlers[name].add(handler);
      return () => void handlers[name].delete(handler);
    },

    /** Resolves when the server has answered every change. */
    async settled(): Promise<void> {
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
    close({ forget = false } = {}): Promise<void> {
      const was = opened;
      opened = undefined;
      return (closing = closing.then(async () => {
        await was;
        sync?.stop();
        sync = undefined;
        await (forget ? mirror.clear() : mirror.flush());
        globalThis.removeEventListener?.("online", wake);
        globalThis.removeEventListener?.("pagehide", flush);
        tabs?.close();
        tabs = undefined;
        leads = false;
        storage.close();
      }));
    },
  };
}

/** What of an error other tabs can be told. */
function plain({ code, status, message }: { code: string; status: number; message: string }) {
  return { code, status, message };
}
