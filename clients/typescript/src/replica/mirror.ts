import type { Item } from "../types.js";
import { apply, DEFAULTS, type Change, type Known, type View } from "./rules.js";
import type { Entry, Storage } from "./storage.js";

const TASK = "task/";
const CHANGE = "change/";
const NEXT = "next";
const SOON = 100; // ms that what the server can tell again may stay unsaved

export interface MirrorEvents {
  /** Something that is shown has changed. */
  changed(): void;
  /** Records were saved, or could not be; other tabs need them either way. */
  saved(entries: readonly Entry[]): void;
  /** The storage refused records. What it cannot keep lives as long as the tab. */
  failed(error: unknown): void;
}

/**
 * What a replica knows, in memory and in a storage: the tasks as the server told them, the
 * changes that it has not answered, and the sync token that belongs to the tasks. All
 * that changed since the last save is saved at once, so that what is stored was true at
 * some moment.
 */
export class Mirror {
  readonly tasks = new Map<string, Known>();
  /** In the order in which the changes were made. */
  outbox: Change[] = [];
  next: string | undefined;
  readonly #storage: Storage;
  readonly #events: MirrorEvents;
  readonly #answered = new Set<string>(); // keys of changes
  readonly #dirty = new Map<string, unknown>();
  #saving: Promise<void> = Promise.resolve();
  #lean = false; // only changes are stored: the storage has no room for more
  #timer: ReturnType<typeof setTimeout> | undefined;
  #view: Map<string, View> | undefined;

  constructor(storage: Storage, events: MirrorEvents) {
    this.#storage = storage;
    this.#events = events;
  }

  /** Reads the storage again, and drops what it does not hold. */
  async load(): Promise<void> {
    let saved: Promise<void>;
    do await (saved = this.flush());
    while (saved !== this.flush()); // something was recorded meanwhile
    if (this.#lean) return;
    const before = new Set(this.outbox.map(({ key }) => key));
    const entries = await this.#storage.load("");
    this.tasks.clear();
    this.outbox = this.outbox.filter(({ key }) => !before.has(key)); // made while it was read
    this.next = undefined;
    this.receive(entries);
  }

  /** Looks for changes that a tab stored and could not tell of before it ended. Reports whether there are any. */
  async loadChanges(): Promise<boolean> {
    if (this.#lean) return false;
    const known = new Set(this.outbox.map(({ key }) => key));
    const found = (await this.#storage.load(CHANGE)).filter(([key]) => !known.has(key.slice(CHANGE.length)));
    if (found.length > 0) this.receive(found);
    return found.length > 0;
  }

  /** Takes over records that are stored, perhaps by a version that knew fewer fields. */
  receive(entries: readonly Entry[]): void {
    for (const [key, value] of entries) {
      if (key === NEXT) this.next = value as string;
      else if (key.startsWith(TASK)) this.#set(key.slice(TASK.length), value ? { ...(value as Known), ...{ ...DEFAULTS, ...(value as Known) } } : undefined);
      else if (value === undefined) this.#drop(key.slice(CHANGE.length));
      else this.#keep(value as Change);
    }
    this.#changed();
  }

  /** Keeps a change; it is stored when flush resolves. */
  record(change: Change): void {
    this.#keep(change);
    this.#dirty.set(CHANGE + change.key, change);
    this.#changed();
  }

  /** Forgets a change that was answered, or that its user has taken back. */
  finish(change: Change): void {
    this.#drop(change.key);
    this.#dirty.set(CHANGE + change.key, undefined);
    this.#changed();
  }

  /** Takes an item of the server, unless a later version is here. A deleted task keeps what it was. */
  put(item: Item): void {
    const old = this.tasks.get(item.id);
    if (old && old.version >= item.version) return;
    const known = ("title" in item ? item : { ...old, ...item }) as Known;
    this.#set(item.id, known);
    this.#dirty.set(TASK + item.id, known);
    this.#changed();
  }

  /** Takes what the server has changed since next, or all that it has; then is the token after it. */
  advance(items: readonly Item[], next: string | undefined, all: boolean): void {
    if (all) {
      for (const id of this.tasks.keys()) this.#dirty.set(TASK + id, undefined);
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
  bury(id: string, at: string, asked: number | undefined): void {
    const task = this.tasks.get(id);
    if (!task || task.version !== asked) return;
    const buried = { ...task, deleted: true, deleted_at: at };
    this.#set(id, buried);
    this.#dirty.set(TASK + id, buried);
    this.#changed();
  }

  /** Returns all tasks as the user should see them, by id. */
  view(user: string): ReadonlyMap<string, View> {
    if (this.#view) return this.#view;
    const shown = new Map<string, View>();
    for (const [id, task] of this.tasks) if (task.title !== undefined) shown.set(id, task); // of others only the tombstone is known
    for (const change of this.outbox) {
      const task = apply(shown.get(change.id), change, user);
      if (task) shown.set(change.id, task);
    }
    return (this.#view = shown);
  }

  /** Removes all that is known and stored. It does not reject. */
  async clear(): Promise<void> {
    await this.flush();
    this.tasks.clear();
    this.outbox = [];
    this.next = undefined;
    this.#changed();
    const remove = async () => this.#storage.save((await this.#storage.load("")).map(([key]) => [key, undefined]));
    await remove().catch(this.#events.failed);
  }

  /** Saves all that changed, after all earlier saves. It does not reject. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#dirty.size > 0) {
      const entries = [...this.#dirty];
      this.#dirty.clear();
      this.#saving = this.#saving.then(() => this.#write(entries));
    }
    return this.#saving;
  }

  /** Saves soon, with what changes until then. */
  flushSoon(): void {
    this.#timer ??= setTimeout(() => void this.flush(), SOON);
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#storage.save(this.#lean ? entries.filter(([key]) => key.startsWith(CHANGE)) : entries);
    } catch (error) {
      this.#events.failed(error);
      // The changes matter more than the copy, which the server has.
      this.#lean = true;
      const copy = [...this.tasks.keys()].map((id) => [TASK + id, undefined] as const);
      const changes = this.outbox.map((change) => [CHANGE + change.key, change] as const);
      await this.#storage.save([...copy, [NEXT, undefined], ...changes]).catch(() => {});
    }
    this.#events.saved(entries);
  }

  #set(id: string, task: Known | undefined): void {
    if (task) this.tasks.set(id, task);
    else this.tasks.delete(id);
  }

  #keep(change: Change): void {
    if (this.#answered.has(change.key)) return;
    const i = this.outbox.findIndex(({ key }) => key >= change.key);
    if (i < 0) this.outbox.push(change);
    else this.outbox.splice(i, this.outbox[i]!.key === change.key ? 1 : 0, change);
  }

  #drop(key: string): void {
    this.#answered.add(key);
    this.outbox = this.outbox.filter((change) => change.key !== key);
  }

  #changed(): void {
    this.#view = undefined;
    this.#events.changed();
  }
}
