import type { Clock } from "./clock.js";
import { DocketError } from "./error.js";

/** A bearer token, or a function that returns a fresh one. */
export type Token = string | (() => string | null | undefined | Promise<string | null | undefined>);

const EARLY = 30_000; // ms before its expiry that a token is not used any more

interface Held {
  token: Promise<string | undefined>;
  /** What it resolved with. */
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

  async get(): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source !== "function") return source;
    if (this.#held && this.#clock.now() < this.#held.until) return this.#held.token;
    const token = (async () => {
      try {
        return (await source()) ?? undefined;
      } catch (cause) {
        throw new DocketError(0, "no-token", "No token could be had.", { cause });
      }
    })();
    const held: Held = { token, until: Infinity }; // all who ask meanwhile share the answer
    this.#held = held;
    try {
      held.value = await token;
      held.until = this.#goodUntil(held.value);
    } catch (error) {
      if (this.#held === held) this.#held = undefined;
      throw error;
    }
    return token;
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
