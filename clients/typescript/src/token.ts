import type { Clock } from "./clock.js";
import { DocketError } from "./error.js";

/** A bearer token, or a function that returns a fresh one. */
export type Token = string | (() => string | null | undefined | Promise<string | null | undefined>);

const EARLY = 30_000; // ms before its expiry that a token is not used any more

interface Held {
  token: Promise<string | undefined>;
  /** What it resolved with; absent before. */
  value?: string | undefined;
  /** Milliseconds since 1970. */
  until: number;
}

/** Keeps the token that a function returned, as long as it is good. */
export class Tokens {
  #source: Token | undefined;
  #clock: Clock;
  #held: Held | undefined;

  constructor(source: Token | undefined, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** Rejects when the signal is aborted. A function that has not answered by then is asked again by the next call. */
  async get(signal?: AbortSignal): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source !== "function") return source;
    if (signal?.aborted) throw noToken(signal.reason);
    const held = this.#held && this.#clock.now() < this.#held.until ? this.#held : this.#ask(source);
    return new Promise((resolve, reject) => {
      const stop = () => {
        if (!("value" in held)) this.#drop(held);
        reject(noToken(signal!.reason));
      };
      signal?.addEventListener("abort", stop, { once: true });
      void held.token.then(resolve, reject).finally(() => signal?.removeEventListener("abort", stop));
    });
  }

  #ask(source: Exclude<Token, string>): Held {
    const held = { until: Infinity } as Held; // all who ask meanwhile share the answer
    this.#held = held;
    held.token = (async () => {
      try {
        held.value = (await source()) ?? undefined;
      } catch (cause) {
        this.#drop(held);
        throw noToken(cause);
      }
      held.until = this.#goodUntil(held.value);
      return held.value;
    })();
    return held;
  }

  #drop(held: Held): void {
    if (this.#held === held) this.#held = undefined;
  }

  /** Forgets a token that the server did not take, and reports whether there may be another. */
  renews(token: string | undefined): boolean {
    if (typeof this.#source !== "function") return false;
    if (this.#held && this.#held.value === token) this.#held = undefined;
    return true;
  }

  /**
   * Until when a token is used: some time before it expires, the middle of a short life.
   * One that this clock holds for expired, and one that says nothing, is used until it is
   * refused: the clock may be wrong.
   */
  #goodUntil(token: string | undefined): number {
    try {
      const { exp, iat } = JSON.parse(atob(token!.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))) as { exp: number; iat?: number };
      const now = this.#clock.now();
      const until = exp * 1000 - Math.min(EARLY, (exp * 1000 - (iat ? iat * 1000 : now)) / 2);
      return until > now ? until : Infinity;
    } catch {
      return Infinity;
    }
  }
}

function noToken(cause: unknown): DocketError {
  return new DocketError(0, "no-token", "No token could be had.", { cause });
}
