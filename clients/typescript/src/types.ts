import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** A task, as the server answers it. */
export type Task = Schemas["Task"];
/** What is left of a task that was deleted. */
export type Tombstone = Schemas["Tombstone"];
/** One item of changes and events. */
export type Item = Task | Tombstone;
/** The fields of a new task. */
export type TaskCreate = Schemas["TaskCreate"];
/** The fields of a task that change. `metadata` is merged (RFC 7396), all others are set. */
export type TaskUpdate = Schemas["TaskUpdate"];
export type Priority = Task["priority"];
/** The latest state of each task that changed, and the sync token that follows. */
export type Changes = Schemas["Changes"];
export type BatchOperation = Schemas["BatchOperation"];
export type BatchResult = Schemas["BatchResult"];

/** Which tasks, and in which order. The server and a replica answer it alike. */
export interface ListQuery extends Omit<Schemas["ListQuery"], "priority" | "tag"> {
  priority?: Priority | Priority[];
  /** All of these, whatever their case. A tag with a comma cannot be asked for. */
  tag?: string | string[];
}

/** What a key may do; `tasks:write` includes `tasks:read`. */
export type Scope = "tasks:read" | "tasks:write" | "user:erase" | "keys:manage";

/** An API key without its secret. */
export interface Key {
  id: string;
  name: string;
  scopes: Scope[];
  created_at: string;
  /** Null: never. */
  expires_at: string | null;
  /** The day of its last use, in UTC, or null. */
  last_used_on: string | null;
}

/** What an import did, or would do. */
export interface ImportResult {
  added: number;
  unchanged: number;
  /** The first 100 faults. */
  skipped: { line: number; code: string; detail: string }[];
  /** How many there are. */
  skipped_count: number;
}

export type ExportFormat = "json" | "csv" | "ics" | "todotxt";
