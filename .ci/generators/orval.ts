import { check, server } from "./check.js";
import * as api from "./generated/orval.js";

const { fetch } = globalThis;
globalThis.fetch = (path, init) => fetch(server + path, init);
const user = "orval";

const created = await api.createTask(user, {
  title: "Buy milk", priority: "high", due_date: "2026-12-01", tags: ["home"], metadata: { colour: "red" },
});
check(created.status === 201, created);
const { id } = created.data;

const listed = await api.listTasks(user, { tag: ["home"], priority: ["high"], status: "pending", sort: "-due_date" });
check(listed.status === 200 && listed.data[0]?.due_date === "2026-12-01", listed);
const head = await api.headListTasks(user);
check(head.status === 200, head);

const updated = await api.updateTask(user, id, { ...created.data, title: "Buy oat milk", due_date: null });
check(updated.status === 200 && updated.data.title === "Buy oat milk" && updated.data.due_date === null, updated);

const completed = await api.completeTask(user, id, { completed: true });
check(completed.status === 200 && typeof completed.data.completed_at === "string", completed);

const deleted = await api.deleteTask(user, id);
check(deleted.status === 200 && deleted.data.deleted, deleted);

// @ts-expect-error: a task has no such field
const made: api.TaskCreate = { title: "x", titel: "x" };
// @ts-expect-error
const changed: api.TaskUpdate = { titel: "x" };
