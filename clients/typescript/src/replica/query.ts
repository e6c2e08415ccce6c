import type { ListQuery, Priority } from "../types.js";
import { dueDate, type View } from "./rules.js";

/** What a live list can be asked for: as the server's, without cursor. */
export type LiveQuery = Omit<ListQuery, "cursor">;

const RANK: Record<Priority, number> = { low: 0, medium: 1, high: 2 };

/** Returns the tasks that the server's list of this query holds, in its order. */
export function select(tasks: Iterable<View>, query: LiveQuery): View[] {
  const { status, completed = status && status !== "all" ? status === "completed" : undefined, deleted = false, q, limit, offset = 0 } = query;
  const priorities = parts(query.priority);
  const tags = parts(query.tag).map((tag) => folding(tag, true));
  const from = query.due_after === undefined ? undefined : moment(dueDate(query.due_after));
  const before = query.due_before === undefined ? undefined : moment(dueDate(query.due_before));
  const sought = q === undefined ? undefined : folding(q, false);

  const found: View[] = [];
  for (const task of tasks) {
    const due = moment(task.due_date);
    if (
      Boolean(task.deleted) === deleted &&
      (completed === undefined || task.completed === completed) &&
      (priorities.length === 0 || priorities.includes(task.priority)) &&
      tags.every((tag) => task.tags.some((name) => tag.test(name))) &&
      (from === undefined || (due !== undefined && due >= from)) &&
      (before === undefined || (due !== undefined && due < before)) &&
      (!sought || [task.title, task.description ?? "", ...task.tags].some((text) => sought.test(text)))
    ) {
      found.push(task);
    }
  }
  return found.sort(order(query.sort ?? "created_at")).slice(offset, limit === undefined ? undefined : offset + limit);
}

/** Returns the values of a parameter that may be repeated, or hold several with commas. */
function parts(values: string | string[] | undefined): string[] {
  return [values ?? []].flat().flatMap((value) => value.split(",")).map((part) => part.trim());
}

/** Matches a text by Unicode simple folding, as the server does. */
function folding(sought: string, whole: boolean): RegExp {
  const literal = sought.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(whole ? `^${literal}$` : literal, "iu");
}

/** Returns the moment at which a due date counts, in a form that sorts as text. */
function moment(due: string | null): string | undefined {
  if (due === null) return undefined;
  return due.length === 10 ? `${due}T00:00:00Z` : due.endsWith("Z") ? due : `${due}Z`;
}

function order(sort: NonNullable<LiveQuery["sort"]>): (a: View, b: View) => number {
  const descending = sort.startsWith("-");
  const name = (descending ? sort.slice(1) : sort) as "created_at" | "updated_at" | "title" | "due_date" | "priority";
  return (a, b) => {
    if (name === "due_date" && (a.due_date === null) !== (b.due_date === null)) return a.due_date === null ? 1 : -1;
    const rank = compare(name, a, b) || byText(a.id, b.id);
    return descending ? -rank : rank;
  };
}

function compare(name: "created_at" | "updated_at" | "title" | "due_date" | "priority", a: View, b: View): number {
  switch (name) {
    case "created_at":
      return 0; // the order of ids
    case "updated_at":
      return byText(a.updated_at, b.updated_at);
    case "title":
      return byCodePoint(a.title, b.title);
    case "due_date":
      return byText(moment(a.due_date) ?? "", moment(b.due_date) ?? "");
    case "priority":
      return RANK[a.priority] - RANK[b.priority];
  }
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Compares by code point; `<` compares by UTF-16 unit, where U+1F600 is before U+FFFD. */
function byCodePoint(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogates = Number(x >= 0xd800 && x < 0xe000) - Number(y >= 0xd800 && y < 0xe000);
    return surrogates || x - y;
  }
  return a.length - b.length;
}
