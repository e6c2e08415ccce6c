import { uuidv7 } from "../id.js";
import type { Task, TaskCreate, TaskUpdate } from "../types.js";

/** What is known of a task: as the server told it, or what it was before it was deleted. */
export type Known = Task & { deleted?: boolean };

/** A task as its user should see it; `unsent` while the server does not know all of it. */
export type View = Known & { unsent?: true };

/** What a user did, kept until the server has answered it. */
export interface Change {
  /** Orders changes, and names this one. */
  key: string;
  kind: "create" | "update" | "delete" | "restore";
  id: string;
  /** When: ISO 8601, by the user's clock. */
  at: string;
  /** Of a create all fields, of an update those that change; metadata is merged. */
  fields?: TaskUpdate;
  /** The task as the user saw it. */
  seen?: View | undefined;
  /** How it was sent; it is sent like this until it is answered. */
  sent?: { key: string; version?: number | undefined; fields?: TaskUpdate | undefined } | undefined;
}

/** A change, or the part of one, that met what others have done. */
export interface Clash {
  id: string;
  /** The fields that were not set, null for a delete. */
  mine: TaskUpdate | null;
  /** What they are instead, null when the task is deleted. Of a delete, the task. */
  theirs: TaskUpdate | Task | null;
}

/** What to do with a change: send it with these fields to that version, or no more. */
export interface Verdict {
  send?: { version?: number | undefined; fields?: TaskUpdate | undefined };
  clash?: Clash;
}

const FIELDS = ["title", "description", "completed", "priority", "due_date", "tags", "metadata"] as const;

/**
 * Compares a change with what the server has. A field that others have changed since the
 * user saw it is theirs, unless both want the same; the rest is sent.
 */
export function reconcile(change: Change, base: Known | undefined): Verdict {
  const { id, kind, fields, seen } = change;
  const live = base && !base.deleted ? base : undefined;
  switch (kind) {
    case "create":
      return live ? {} : { send: { fields } };
    case "restore":
      return live ? {} : { send: {} };
    case "delete":
      if (!live) return {};
      if (FIELDS.some((name) => !same(seen?.[name], live[name]))) return { clash: { id, mine: null, theirs: live } };
      return { send: { version: live.version } };
    case "update": {
      if (!live) return { clash: { id, mine: fields!, theirs: null } };
      const { send, mine, theirs } = divide(fields!, seen, live);
      return {
        ...(send && { send: { version: live.version, fields: send } }),
        ...(mine && { clash: { id, mine, theirs: theirs! } }),
      };
    }
  }
}

type Json = Record<string, unknown>;

/** Divides the fields of a change into those to send and those that clash. */
function divide(wanted: Json, seen: unknown, now: Json): { send?: Json; mine?: Json; theirs?: Json } {
  const parts: { send?: Json; mine?: Json; theirs?: Json } = {};
  const put = (part: "send" | "mine" | "theirs", name: string, value: unknown) => ((parts[part] ??= {})[name] = value);
  for (const [name, want] of Object.entries(wanted)) {
    const before = (seen as Json | undefined)?.[name];
    const current = now[name];
    if (isObject(want) && isObject(before) && isObject(current)) {
      const inner = divide(want, before, current);
      for (const part of ["send", "mine", "theirs"] as const) if (inner[part]) put(part, name, inner[part]);
    } else if (same(merge(current, want), current)) continue;
    else if (same(before, current)) put("send", name, want);
    else {
      put("mine", name, want);
      put("theirs", name, current ?? null);
    }
  }
  return parts;
}

/** Returns the fields of a change that would change the task; undefined when none would. */
export function effective(fields: TaskUpdate, seen: Known): TaskUpdate | undefined {
  return divide(fields, seen, seen as Json).send;
}

/** Returns a task with a change made to it; undefined where there is nothing to change. */
export function apply(task: View | undefined, { kind, id, at, fields, seen }: Change, user: string): View | undefined {
  switch (kind) {
    case "create":
      return task && !task.deleted ? task : { ...blank(id, user, at), ...stamp(fields!, undefined, at), unsent: true } as View;
    case "update":
      return task && { ...task, ...stamp(fields!, task, at), updated_at: at, unsent: true };
    case "delete":
      return task && { ...task, deleted: true, deleted_at: at, unsent: true };
    case "restore": {
      const { deleted, deleted_at, ...whole } = { ...seen, ...task } as View;
      return whole.title === undefined ? undefined : { ...whole, unsent: true };
    }
  }
}

/** What a task has unless its user says otherwise. */
export const DEFAULTS = { description: null, completed: false, completed_at: null, priority: "medium" as const, due_date: null, tags: [], metadata: {} };

function blank(id: string, user: string, at: string): Task {
  return { id, user_id: user, title: "", ...DEFAULTS, created_at: at, updated_at: at, version: 0 };
}

function stamp(fields: TaskUpdate, task: View | undefined, at: string): Partial<Task> {
  const { tags, metadata, ...rest } = fields;
  return {
    ...(rest as Partial<Task>),
    ...(tags !== undefined && { tags: tags ?? [] }),
    ...(metadata !== undefined && { metadata: (metadata === null ? {} : merge(task?.metadata, metadata)) as Task["metadata"] }),
    ...(fields.completed !== undefined && { completed_at: fields.completed ? (task?.completed_at ?? at) : null }),
  };
}

/** Brings fields into the form in which the server keeps them. */
export function normalize<T extends TaskCreate | TaskUpdate>(fields: T): T {
  const kept: Json = {};
  for (const name of FIELDS) {
    const value = fields[name];
    if (value === undefined) continue;
    if (name === "title" && typeof value === "string") kept[name] = trim(value);
    else if (name === "tags") kept[name] = Array.isArray(value) ? [...new Set(value.map(trim))] : [];
    else if (name === "metadata") kept[name] = value === null ? null : structuredClone(value);
    else if (name === "due_date" && typeof value === "string") kept[name] = dueDate(value);
    else kept[name] = value;
  }
  return kept as T;
}

const trim = (text: string) => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");

/** Returns a due date in the form in which the server answers it, and other texts as they are. */
export function dueDate(text: string): string {
  const part = /^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(?:(:\d\d)(?:\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (!part || !part[2]) return text;
  const local = `${part[1]}T${part[2]}${part[3] ?? ":00"}`;
  if (!part[4]) return local;
  const moment = new Date(local + part[4].toUpperCase());
  return Number.isNaN(moment.getTime()) ? text : `${moment.toISOString().slice(0, 19)}Z`;
}

/** Returns target with a JSON merge patch applied (RFC 7396). */
export function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Json = { ...(isObject(target) ? target : {}) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else Object.defineProperty(merged, name, { value: merge(merged[name], value), enumerable: true, configurable: true, writable: true });
  }
  return merged;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether two JSON values are equal, whatever the order of members. Undefined is null. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? null) === (b ?? null)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => same(one, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => same(a[name], b[name]));
}

/** Returns a moment in the form in which the server writes it. */
export const timestamp = (ms: number) => new Date(ms).toISOString().replace("Z", "000Z");

/** Returns a new change. */
export function change(ms: number, about: Omit<Change, "key" | "at">): Change {
  return { key: uuidv7(ms), at: timestamp(ms), ...about };
}
