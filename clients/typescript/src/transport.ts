import { pause, systemClock, type Clock } from "./clock.js";
import { DocketError, errorOf } from "./error.js";
import { Tokens, type Token } from "./token.js";

/** What createClient takes. */
export interface ClientOptions {
  /** Where the server is, such as `https://tasks.example.com`; a path prefix may follow. */
  baseUrl: string | URL;
  /** Whose tasks: the `sub` of the token. */
  user: string;
  /** A bearer token, or what returns one; asked again before it expires and after a 401. */
  token?: Token;
  /** For how many milliseconds a request is repeated; 60,000 unless given, 0 for never. */
  patience?: number;
  fetch?: typeof fetch;
  clock?: Clock;
}

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** As the client's, for this call. */
  patience?: number | undefined;
}

/** One request. */
export interface Request extends CallOptions {
  headers?: Record<string, string | undefined>;
  body?: BodyInit | undefined;
  /** How many milliseconds one attempt may take. */
  attempt?: number;
  /** The code of the failure that is a success of a repetition: an earlier attempt did it. */
  done?: string;
}

const ATTEMPT = 20_000; // ms, the most that one attempt may take
const FIRST = 300; // ms between the first two attempts, doubled for each one after
const MOST = 10_000; // ms between two attempts, unless the server asks for more

/** Sends requests, with a token, again and again while that may help. */
export class Transport {
  readonly url: string;
  readonly clock: Clock;
  readonly #patience: number;
  readonly #fetch: typeof fetch;
  readonly #tokens: Tokens;

  constructor({ baseUrl, user, token, patience = 60_000, fetch, clock = systemClock }: ClientOptions) {
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
  async send<T>(method: string, path: string, request: Request, read: (response: Response) => Promise<T>): Promise<T> {
    const { signal, patience = this.#patience } = request;
    const end = this.clock.now() + patience;
    for (let wait = FIRST; ; wait = Math.min(MOST, 2 * wait)) {
      try {
        return await this.#attempt(method, path, request, read);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = error as DocketError;
        if (request.done && wait > FIRST && failure.code === request.done) return undefined as T;
        const ms = 1000 * (failure.retryAfter ?? 0) + wait * (0.5 + Math.random() / 2); // not all clients at once
        if (!failure.transient || this.clock.now() + ms > end) throw failure;
        await pause(this.clock, ms, signal);
      }
    }
  }

  /** Opens a stream: no repetition, and no bound on how long it takes. */
  async open(path: string, headers: Record<string, string | undefined>, signal?: AbortSignal): Promise<Response> {
    return this.#authorized((token) => this.#request("GET", path, { headers, signal }, token), signal);
  }

  async #attempt<T>(method: string, path: string, request: Request, read: (response: Response) => Promise<T>): Promise<T> {
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
  async #authorized<T>(work: (token: string | undefined) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const token = await this.#tokens.get(signal);
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof DocketError) || (error.status !== 401 && error.status !== 403)) throw error;
      if (!this.#tokens.renews(token) || error.status === 403) throw error; // the next request asks for another
      return work(await this.#tokens.get(signal));
    }
  }

  async #request(method: string, path: string, { headers, body, signal }: Request, token: string | undefined): Promise<Response> {
    const all = { Authorization: token && `Bearer ${token}`, ...headers };
    const given = Object.entries(all).filter((header): header is [string, string] => Boolean(header[1]));
    const response = await this.#fetch(this.url + path, {
      method,
      headers: given,
      cache: "no-store",
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    }).catch(unreachable);
    if (!response.ok) throw await errorOf(response).catch(unreachable);
    return response;
  }
}

function unreachable(cause: unknown): never {
  throw new DocketError(0, "unreachable", "The server cannot be reached.", { cause });
}
