// The agent with a scripted model: no network, and the same each time. The script reads like
// a conversation with a real one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "../../clients/typescript/test/server.mjs";
import { connect, run } from "./agent.mjs";

/** A model that does what a list of steps says; each gets the answer of the tool before. */
function scripted(...steps) {
  return (conversation, tools) => steps.shift()(conversation.at(-1), tools);
}

test("an agent plans, errs, mends and tidies up", async () => {
  const { url } = await startServer();
  const server = connect(`${url}/api/alice/mcp`);
  const ids = {}; // by title
  const heard = [];

  const model = scripted(
    ({ text }, tools) => {
      assert.equal(text, "Plan my move on 12 December. The van is booked already.");
      assert.deepEqual(tools.map(({ name }) => name), ["add_tasks", "delete_tasks", "list_tasks", "restore_tasks", "update_tasks"]);
      return { call: "list_tasks", input: { query: "move" } };
    },
    ({ text }) => {
      assert.match(text, /"tasks":\[\]/);
      return { call: "add_tasks", input: { key: "move-1", tasks: [{ title: "Pack", due_date: "next week" }] } };
    },
    ({ isError, text }) => {
      assert.ok(isError, "the tool says what is wrong, and the model mends it");
      heard.push(text);
      const tasks = [
        { title: "Pack the boxes", due_date: "2026-12-11", tags: ["move"], priority: "high" },
        { title: "Book the van", tags: ["move"] },
        { title: "Tell the bank", tags: ["move"] },
      ];
      return { call: "add_tasks", input: { key: "move-2", tasks } };
    },
    ({ isError }) => {
      assert.ok(!isError);
      return { call: "list_tasks", input: { tag: "move" } };
    },
    ({ text }) => {
      for (const { id, title } of JSON.parse(text).tasks) ids[title] = id;
      return { call: "update_tasks", input: { tasks: [{ id: ids["Book the van"], completed: true }, { id: ids["Pack the boxes"], description: "Begin with the kitchen" }] } };
    },
    () => ({ call: "delete_tasks", input: { ids: [ids["Tell the bank"]] } }),
    ({ text }) => {
      assert.match(text, /restore_tasks/);
      return { call: "restore_tasks", input: { ids: [ids["Tell the bank"]] } };
    },
    () => ({ say: "You have two things left: pack the boxes by 11 December, and tell the bank." }),
  );

  const conversation = await run(model, server, "Plan my move on 12 December. The van is booked already.");
  assert.equal(conversation.at(-1).role, "model");
  assert.match(heard[0], /due_date/);
  const tasks = await (await fetch(`${url}/api/alice/tasks`)).json();
  assert.deepEqual(tasks.map(({ title, completed, description, due_date }) => [title, completed, description, due_date]), [
    ["Pack the boxes", false, "Begin with the kitchen", "2026-12-11"],
    ["Book the van", true, null, null],
    ["Tell the bank", false, null, null],
  ]);
});

test("an agent that never answers is stopped", async () => {
  const { url } = await startServer();
  await assert.rejects(run(() => ({ call: "list_tasks", input: {} }), connect(`${url}/api/alice/mcp`), "Hello", 3), /no answer after 3 turns/);
});
