// Which tasks are shown, and in which order.
import { dayOf, isOverdue, momentOf, today } from "./due.js";

const DUE = {
  overdue: (task, now) => task.due_date && !task.completed && isOverdue(task.due_date, now),
  today: (task, now) => task.due_date && dayOf(task.due_date) === today(now),
  week: (task, now) => task.due_date && dayOf(task.due_date) >= today(now) && dayOf(task.due_date) < today(now, 7),
  none: (task) => !task.due_date,
};

const text = new Intl.Collator(undefined, { numeric: true });
const rank = { high: 0, medium: 1, low: 2 };

const ORDERS = {
  created: (a, b) => (a.id < b.id ? 1 : -1), // newest first
  due: (a, b) => moment(a) - moment(b) || 0, // neither has one: Infinity - Infinity
  priority: (a, b) => rank[a.priority] - rank[b.priority],
  title: (a, b) => text.compare(a.title, b.title),
  updated: (a, b) => changed(b) - changed(a) || 0,
};
const moment = (task) => (task.due_date ? momentOf(task.due_date).getTime() : Infinity);
const changed = (task) => (task.unsent ? Infinity : Date.parse(task.updated_at));

// choose returns the tasks that pass all filters, in order; those that are equal stay as
// they are. A filter of "" lets all pass.
export function choose(tasks, { completed, search, priority, tag, due, sort }, now = new Date()) {
  const found = search && caseless(search);
  const tagged = tag && caseless(tag, true);
  return tasks
    .filter(
      (task) =>
        (!completed || task.completed === (completed === "done")) &&
        (!priority || task.priority === priority) &&
        (!tagged || task.tags.some((name) => tagged.test(name))) &&
        (!due || DUE[due](task, now)) &&
        (!found || [task.title, task.description ?? "", ...task.tags].some((part) => found.test(part))),
    )
    .sort(ORDERS[sort]);
}

// tagsOf returns the tags of all tasks, each once whatever its case, in order.
export function tagsOf(tasks) {
  const tags = new Map();
  for (const tag of tasks.flatMap((task) => task.tags)) if (!tags.has(tag.toLowerCase())) tags.set(tag.toLowerCase(), tag);
  return [...tags.values()].sort(text.compare);
}

// caseless matches a text by Unicode simple folding, as the server does.
function caseless(sought, whole = false) {
  const literal = sought.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(whole ? `^${literal}$` : literal, "iu");
}
