import type { Client } from "../client.js";
import { pause } from "../clock.js";
import { DocketError } from "../error.js";
import { uuidv7 } from "../id.js";
import type { Item, Task } from "../types.js";
import type { Mirror } from "./mirror.js";
import { normalize, reconcile, type Change, type Clash } from "./rules.js";

const QUIET = 35_000; // ms; the server sends a comment every 15 s
const MOST = 30_000; // ms between two attempts

/** Whether the server is heard. "refused": it will not be without another token or user. */
export type State = "connecting" | "live" | "offline" | "refused";

export interface SyncEvents {
  state(state: State, error?: DocketError): void;
  /** A change, or a part of one, was not made: others changed the same. */
  clash(clash: Clash, seen: Change["seen"]): void;
  /** The server does not take a change. */
  refused(change: Change, error: DocketError): void;
}

/**
 * Brings a mirror and the server into step. Three rules make it lose nothing:
 *
 * 1. An item of the server never replaces one of a later version, and a sync token is
 *    stored together with the items before it.
 * 2. A change is stored before it is sent, with its Idempotency-Key, and is sent unchanged
 *    until it is answered. So it is made once, whatever happens to the connection, the
 *    server or this program.
 * 3. A change names the version that it was compared with (If-Match). If the task is
 *    another by then, they are compared again: what touches nothing that others changed
 *    is sent anyway, and the user is told of the rest. Without a whole copy to compare
 *    with nothing is sent.
 */
export class Sync {
  readonly #client: Client;
  readonly #mirror: Mirror;
  readonly #events: SyncEvents;
  readonly #closed = new AbortController();
  readonly #wakes = new Set<() => void>();
  #state: State = "connecting";
  #quiet = false; // whether the last stream said nothing: then the changes are asked for
  #whole: boolean; // whether the copy is all that the server had at some moment; until then nothing is sent
  #sending: Promise<void> = Promise.resolve();

  constructor(client: Client, mirror: Mirror, events: SyncEvents) {
    this.#client = client;
    this.#mirror = mirror;
    this.#events = events;
    this.#whole = mirror.next !== undefined;
  }

  run(): void {
    void this.#repeat((done) => this.#follow(done));
    void this.#repeat((done) => this.#send(done));
  }

  stop(): void {
    this.#closed.abort();
    this.wake();
  }

  /** Begins at once with what waits. */
  wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }

  // Sending.

  async #send(done: () => void): Promise<void> {
    const change = this.#mirror.outbox[0];
    if (!change || !this.#whole) return this.#pause();
    await (this.#sending = this.#deliver(change));
    done();
  }

  async #deliver(change: Change): Promise<void> {
    const sent = change.sent ? change : this.#prepare(change);
    await this.#mirror.flush();
    if (sent && !this.#closed.signal.aborted) await this.#settle(sent);
  }

  /** Decides how a change is sent. Undefined: it is not. */
  #prepare(change: Change): Change | undefined {
    const { send, clash } = reconcile(change, this.#mirror.tasks.get(change.id));
    if (clash) this.#events.clash(clash, change.seen);
    if (!send) {
      this.#mirror.finish(change);
      return undefined;
    }
    const sent = { ...change, sent: { key: uuidv7(this.#client.clock.now()), ...send } };
    this.#mirror.record(sent);
    return sent;
  }

  async #settle(change: Change): Promise<void> {
    const asked = this.#mirror.tasks.get(change.id)?.version;
    try {
      const answer = await this.#request(change);
      if (answer) this.#mirror.put(answer);
      else this.#mirror.bury(change.id, change.at, asked);
      this.#mirror.finish(change);
    } catch (error) {
      if (!(error instanceof DocketError) || waits(error) || this.#closed.signal.aborted) throw error;
      await this.#refused(change, error, asked);
    }
    await this.#mirror.flush();
  }

  #request({ id, kind, sent }: Change): Promise<Item | undefined> {
    const { key, version, fields } = sent!;
    const call = { idempotencyKey: key, ifVersion: version, signal: this.#closed.signal, patience: 0 };
    const { tasks } = this.#client;
    switch (kind) {
      case "create":
        return tasks.create(fields as Task, { ...call, id });
      case "update":
        return tasks.update(id, fields!, call);
      case "delete":
        return tasks.delete(id, call);
      case "restore":
        return tasks.restore(id, call);
    }
  }

  async #refused(change: Change, error: DocketError, asked: number | undefined): Promise<void> {
    const { id, kind, seen, sent } = change;
    const mirror = this.#mirror;
    if (error.code === "quota-exceeded") {
      // The server can keep no more answers. Without a key the change is safe all the same:
      // it names its version, or its id.
      mirror.record({ ...change, sent: { ...sent!, key: "" } });
    } else if (error.status === 412 || (error.status === 404 && kind === "update")) {
      const now = await this.#client.tasks.get(id, { signal: this.#closed.signal, patience: 0 }).catch((error: DocketError) => {
        if (error.status !== 404) throw error;
      });
      if (now) mirror.put(now);
      else mirror.bury(id, change.at, asked);
      if (kind === "create") mirror.finish(change); // it was made, or there could be no task of that id
      else mirror.record({ ...change, sent: undefined });
      const { version = 0 } = sent!;
      if (now && now.version <= version) {
        // Sent at once it would be refused again: a proxy alters the version, or it is of another history.
        if (now.version < version) this.#giveUp();
        throw error;
      }
    } else if (kind === "restore" && error.status === 404 && seen) {
      // It is purged, or its user was erased: then it is made again.
      mirror.record({ ...change, kind: "create", fields: normalize(seen), sent: undefined });
    } else {
      const already = (kind === "delete" && error.status === 404) || (kind === "restore" && error.status === 409);
      if (!already) this.#events.refused(change, error);
      else if (kind === "delete") mirror.bury(id, change.at, asked);
      mirror.finish(change);
      if (kind === "create") for (const next of mirror.outbox.filter((next) => next.id === id)) mirror.finish(next);
    }
  }

  // Following.

  async #follow(done: () => void): Promise<void> {
    const { clock } = this.#client;
    const mirror = this.#mirror;
    const end = new AbortController();
    const signal = AbortSignal.any([this.#closed.signal, end.signal]);
    const lost = () => end.abort();
    globalThis.addEventListener?.("offline", lost, { signal });
    let timer: unknown;
    const listen = () => {
      clock.clearTimeout(timer);
      timer = clock.setTimeout(() => {
        this.#quiet = true;
        done(); // it took long enough
        lost();
      }, QUIET);
    };
    let retry = 0; // ms
    let since = this.#whole ? mirror.next : undefined;
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
          this.#become("live"); // not at the headers: a proxy may hold back what follows them
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
    throw new DocketError(0, "unreachable", "The stream ended.", { retryAfter: retry / 1000 });
  }

  /**
   * Asks for what has changed since the sync token, or for all without one. Nothing is sent
   * while all is asked for, which may be older than the answer. Returns the token that
   * follows. That of a user without tasks is not kept: it may be from before the user's
   * history, and is then good in each one that begins later.
   */
  async #catchUp(since: string | undefined): Promise<string> {
    const items: Item[] = [];
    const all = !since;
    if (all) {
      this.#whole = false;
      await this.#sending.catch(() => {});
    }
    for (let more = true; more; ) {
      const page = await this.#client.changes({ since, limit: 1000, signal: this.#closed.signal, patience: 0 });
      items.push(...page.items);
      since = page.next;
      more = page.has_more;
    }
    this.#mirror.advance(items, all && items.length === 0 ? undefined : since, all);
    this.#mirror.flushSoon();
    if (all) {
      this.#whole = true;
      this.wake();
    }
    return since!;
  }

  /** A sync token that the server does not take is given up; without one there can be no such user. */
  #reconsider(error: DocketError, since: string | undefined): void {
    if (waits(error)) return;
    if (!since && error.status !== 410) throw new Refused(error); // 410: the history ended between two pages
    this.#giveUp();
  }

  /** Has all asked for again, and nothing sent before. */
  #giveUp(): void {
    this.#whole = false;
    this.#mirror.next = undefined;
  }

  // What both need.

  /** Works until it is stopped or refused, ever less often while it fails. */
  async #repeat(work: (done: () => void) => Promise<void>): Promise<void> {
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      try {
        await work(() => (failures = 0));
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        const cause = error instanceof Refused ? error.cause : (error as DocketError);
        if (error instanceof Refused || forbidden(cause)) {
          this.#become("refused", cause);
          // Another token may come from where this one came from; nothing else changes by itself.
          if (cause.status !== 401) return this.stop();
        }
        const wait = Math.min(MOST, 500 * 2 ** failures++) * (0.5 + Math.random() / 2); // not all clients at once
        await this.#pause(Math.max(1000 * (cause.retryAfter ?? 0), wait));
      }
    }
  }

  async #pause(ms?: number): Promise<void> {
    const end = new AbortController();
    const wake = () => end.abort();
    this.#wakes.add(wake);
    if (this.#closed.signal.aborted) wake();
    if (ms !== undefined) await pause(this.#client.clock, ms, end.signal).catch(() => {});
    else if (!end.signal.aborted) await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
    this.#wakes.delete(wake);
  }

  #become(state: State, error?: DocketError): void {
    if (this.#closed.signal.aborted) return;
    this.#state = state;
    this.#events.state(state, error);
  }
}

class Refused extends Error {
  override readonly cause: DocketError;
  constructor(cause: DocketError) {
    super();
    this.cause = cause;
  }
}

/** Whether no request will be taken without another token, or from another page. */
function forbidden(error: DocketError): boolean {
  return error.status === 401 || ["forbidden", "insufficient-scope", "untrusted-origin"].includes(error.code);
}

/** Whether a failure says nothing about the change or the token that was sent. */
function waits(error: DocketError): boolean {
  return error.transient || forbidden(error) || error.code === "not-docket";
}
