// Compares what ical.js reads of a calendar with the export in JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const [json, ics] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const { tasks } = JSON.parse(json);
ICAL.design.strict = true; // errors instead of warnings
const todos = new ICAL.Component(ICAL.parse(ics)).getAllSubcomponents("vtodo");
assert.equal(todos.length, tasks.length);
tasks.forEach((task, i) => {
  const get = (name) => todos[i].getFirstPropertyValue(name);
  const time = (name) => get(name)?.toString() ?? null;
  const seconds = (text) => text && text.replace(/\.\d+Z$/, "Z");
  assert.equal(get("uid"), task.id);
  assert.equal(get("summary"), task.title);
  assert.equal(get("description") ?? "", (task.description ?? "").replaceAll("\r\n", "\n"));
  assert.equal(get("status"), task.completed ? "COMPLETED" : "NEEDS-ACTION");
  assert.equal(get("priority"), { high: 1, medium: 5, low: 9 }[task.priority]);
  assert.equal(time("due"), task.due_date);
  assert.equal(time("created"), seconds(task.created_at));
  assert.equal(time("last-modified"), seconds(task.updated_at));
  assert.equal(time("completed"), seconds(task.completed_at));
  assert.deepEqual(todos[i].getFirstProperty("categories")?.getValues() ?? [], task.tags);
});
