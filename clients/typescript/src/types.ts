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

/** An API key without its secret. */
export type Key = Schemas["APIKey"];
/** A new API key. `key` is the key itself, which no later answer has. */
export type KeyMade = Schemas["APIKeyMade"];
export type KeyCreate = Schemas["APIKeyCreate"];
/** What an import did, or would do. */
export type ImportResult = Schemas["ImportResult"];
export type ExportFormat = "json" | "csv" | "ics" | "todotxt";
