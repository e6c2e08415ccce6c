// Due dates. One is a date (2026-12-01: the whole day, wherever its reader is), a local
// date and time (2026-12-01T09:00:00) or an instant (2026-12-01T09:00:00Z). Here all are
// read in the time zone of this browser.

const isDate = (due) => due.length === 10;

// momentOf returns the first moment of a due date.
export function momentOf(due) {
  return new Date(isDate(due) ? `${due}T00:00:00` : due);
}

// dayOf and timeOf return a due date as inputs of the types date and time have it. A date
// has no time.
export function dayOf(due) {
  return due.endsWith("Z") ? local(momentOf(due)).slice(0, 10) : due.slice(0, 10);
}

export function timeOf(due) {
  if (isDate(due)) return "";
  const time = due.endsWith("Z") ? local(momentOf(due)).slice(11) : due.slice(11);
  return time.endsWith(":00") ? time.slice(0, 5) : time;
}

// dueAt returns the due date of a day and a time, in the form of an earlier one.
export function dueAt(day, time, earlier) {
  if (!day || !time) return day || null;
  const both = `${day}T${time.length === 5 ? `${time}:00` : time}`;
  return earlier?.endsWith("Z") ? `${new Date(both).toISOString().slice(0, 19)}Z` : both;
}

export function isOverdue(due, now) {
  return isDate(due) ? due < today(now) : momentOf(due) < now;
}

// today returns the day that is so many days after now.
export function today(now, later = 0) {
  return local(new Date(now.getFullYear(), now.getMonth(), now.getDate() + later)).slice(0, 10);
}

export function describe(due, now) {
  const when = momentOf(due);
  const near = ["Yesterday", "Today", "Tomorrow"].find((_, i) => dayOf(due) === today(now, i - 1));
  const day = near ?? when.toLocaleDateString(undefined, { dateStyle: "medium" });
  return isDate(due) ? day : `${day}, ${when.toLocaleTimeString(undefined, { timeStyle: timeOf(due).length === 5 ? "short" : "medium" })}`;
}

// local returns a moment as a local date and time.
function local(moment) {
  const two = (n) => String(n).padStart(2, "0");
  const day = `${String(moment.getFullYear()).padStart(4, "0")}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}
