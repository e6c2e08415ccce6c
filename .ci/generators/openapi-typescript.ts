import createClient from "openapi-fetch";
import { check, server } from "./check.js";
import type { components, paths } from "./generated/openapi-typescript.js";

const api = createClient<paths>({ baseUrl: server });
const path = { user_id: "openapi-typescript" };
const tasks = "/api/{user_id}/tasks";
const task = "/api/{user_id}/tasks/{id}";

const created = await api.POST(tasks, {
  params: { path },
  body: { title: "Buy milk", priority: "high", due_date: "2026-12-01", tags: ["home"], metadata: { colour: "red" } },
});
check(created.data !== undefined, created.error);
const params = { path: { ...path, id: created.data.id } };

const query = { tag: ["home"], priority: ["high" as const], status: "pending" as const, sort: "-due_date" as const };
const listed = await api.GET(tasks, { params: { path, query } });
check(listed.data?.[0]?.due_date === "2026-12-01", listed);
const head = await api.HEAD(tasks, { params: { path } });
check(head.response.ok, head.error);

const whole = { ...created.data, title: "Buy oat milk", due_date: null };
const updated = await api.PUT(task, { params, body: whole });
check(updated.data?.title === "Buy oat milk" && updated.data.due_date === null, updated);

const completed = await api.PATCH(`${task}/complete`, { params, body: { completed: true } });
check(typeof completed.data?.completed_at === "string", completed);

const deleted = await api.DELETE(task, { params });
check(deleted.data?.deleted === true, deleted);

// @ts-expect-error: a task has no such field
const made: components["schemas"]["TaskCreate"] = { title: "x", titel: "x" };
// @ts-expect-error
const changed: components["schemas"]["TaskUpdate"] = { titel: "x" };
