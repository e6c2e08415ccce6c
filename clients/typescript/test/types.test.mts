// What must and must not compile. It is not run.
import { createClient, DocketError, type Task, type TaskCreate } from "docket-client";
import { createReplica, memoryStorage, type Storage } from "docket-client/replica";

const docket = createClient({ baseUrl: new URL("http://docket"), user: "ada", token: async () => "t" });
const task: Task = await docket.tasks.create({ title: "x", priority: "high", due_date: null, metadata: { any: [1] } });
await docket.tasks.update(task.id, task); // a whole task may be sent back
await docket.tasks.list({ status: "pending", sort: "-due_date", tag: "home", priority: ["low", "high"] });
for await (const item of docket.events()) {
  const version: number = item.version;
  if ("deleted" in item) void item.deleted_at;
  void version;
}
const error = new DocketError(404, "task-not-found", "gone");
const pointer: string | undefined = error.errors[0]?.pointer;
void pointer;

// @ts-expect-error: a task has no such field
const misspelled: TaskCreate = { title: "x", titel: "x" };
void misspelled;
// @ts-expect-error: the title is required
void docket.tasks.create({});
// @ts-expect-error: no such order
void docket.tasks.list({ sort: "colour" });
// @ts-expect-error: no such priority
void docket.tasks.update(task.id, { priority: "urgent" });

const storage: Storage = { ...memoryStorage(), save: async (entries) => entries.forEach(([key, value]) => void [key, value]) };
const replica = createReplica({ client: docket, storage });
replica.tasks({ q: "x" }).map((shown) => shown.unsent);
replica.on("conflict", ({ mine, theirs, keepMine }) => void [mine?.title, theirs, keepMine()]);
// @ts-expect-error: no such event
replica.on("conflicts", () => {});
// @ts-expect-error: a replica has no cursors
replica.tasks({ cursor: "x" });
