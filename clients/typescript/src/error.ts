import type { components } from "./schema.js";

/** A problem document, as the server sends it (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/**
 * Every failure of a request: a problem that the server told of, an answer that is none
 * of the server's, or no answer at all.
 */
export class DocketError extends Error {
  /** The HTTP status, 0 when there was no answer. */
  readonly status: number;
  /**
   * The kind of error, for programs: the last part of the problem's `type`, such as
   * `task-not-found`. Also `unreachable` (no answer, or one cut short), `no-token` (the
   * token function failed) and `not-docket` (an answer that no Docket server gave).
   */
  readonly code: string;
  /** The problem document; undefined when the server sent none. */
  readonly problem: Problem | undefined;
  /** Seconds after which the server wants to be asked again; undefined when it did not say. */
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, more: { problem?: Problem; retryAfter?: number; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.name = "DocketError";
    this.status = status;
    this.code = code;
    this.problem = more.problem;
    this.retryAfter = more.retryAfter;
  }

  /** Every fault of invalid input, each with its place. */
  get errors(): NonNullable<Problem["errors"]> {
    return this.problem?.errors ?? [];
  }

  /** Finds the request in the server's log. */
  get requestId(): string | undefined {
    return this.problem?.request_id;
  }

  /** Whether the same request may succeed later, with nothing else changed. */
  get transient(): boolean {
    return [0, 408, 429, 500, 502, 503, 504, 507].includes(this.status) || this.code === "idempotency-key-in-flight";
  }
}

/** Returns the error of an answer that is no success. */
export async function errorOf(response: Response): Promise<DocketError> {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  const type = response.headers.get("Content-Type") ?? "";
  const text = await response.text();
  if (type.startsWith("application/problem+json")) {
    try {
      const problem = JSON.parse(text) as Problem;
      return new DocketError(response.status, problem.type.split("/").pop()!, problem.detail, { problem, retryAfter });
    } catch {
      // A proxy cut it short.
    }
  }
  return new DocketError(response.status, "not-docket", `The answer ${response.status} is not Docket's.`, { retryAfter });
}
