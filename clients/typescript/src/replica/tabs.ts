import type { Entry } from "./storage.js";

/** What tabs tell one another. */
export type Message =
  | { type: "records"; entries: readonly Entry[] }
  | { type: "hello" | "start" }
  | { type: "state"; state: unknown }
  | { type: "event"; name: string; detail: unknown };

/** The tabs of a browser that share a storage. One of them leads. */
export interface Tabs {
  /** Whether there may be others. */
  readonly others: boolean;
  post(message: Message): void;
  /** Ends it; another tab leads then. */
  close(): void;
}

/** A tab that shares with no other. */
export function alone(lead: () => void): Tabs {
  queueMicrotask(lead);
  return { others: false, post() {}, close() {} };
}

/**
 * Joins the tabs that share a name. It calls lead when no earlier tab leads any more, which
 * a Web Lock tells: it passes on also when the tab that held it was killed.
 */
export function join(name: string, receive: (message: Message) => void, lead: () => void): Tabs {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => receive(data as Message);
  const closed = new AbortController();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  navigator.locks
    .request(name, { signal: closed.signal }, () => {
      if (closed.signal.aborted) return;
      lead();
      return held;
    })
    .catch(() => {}); // closed while it waited
  channel.postMessage({ type: "hello" } satisfies Message);
  return {
    others: true,
    post: (message) => {
      if (!closed.signal.aborted) channel.postMessage(message);
    },
    close() {
      closed.abort();
      release();
      channel.close();
    },
  };
}
