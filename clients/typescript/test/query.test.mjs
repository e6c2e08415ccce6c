// What a replica lists is what the server lists.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "docket-client";
import { createReplica } from "docket-client/replica";
import { random } from "./random.mjs";
import { newUser, startServer } from "./server.mjs";

const server = await startServer();
const rounds = Number(process.env.ROUNDS ?? 3);

// Texts that orders and folding treat specially: cases, final sigma, Kelvin, sharp s, dotless and
// dotted i, code points beyond 16 bits and just below them, white space, combining marks.
const PIECES = ["a", "A", "b", "Z", "é", "É", "e\u0301", "ß", "ẞ", "ss", "σ", "Σ", "ς", "k", "K", "\u212a", "i", "I", "ı", "İ", "ǆ", "ǅ", "Ǆ", "😀", "\ufffd", "\uff21", "\uff41", "𐐀", "𐐨", ".", "*", "(", "\\", " ", "-", "1", "10", "_", "%"];
const TRIMMED = ["", " ", "\u0085", "\u00a0", "\u3000", "\ufeff", "\u200b"];
const DUES = ["2026-12-01", "2026-12-01T00:00", "2026-12-01T00:00:00Z", "2026-12-01T09:30:15.5", "2026-12-01T09:30:15+02:00", "2026-11-30T23:59:59Z", "2026-12-02T01:00:00-03:30", "0001-01-02", "9999-12-31T23:59:59Z", "2026-12-02"];
const SORTS = ["created_at", "updated_at", "title", "due_date", "priority"].flatMap((name) => [name, `-${name}`]);

for (let round = 0; round < rounds; round++) {
  test(`lists are the server's, seed ${round}`, async () => {
    const r = random(round);
    const text = (most) => Array.from({ length: 1 + r.below(most) }, () => r.pick(PIECES)).join("");
    const client = createClient({ baseUrl: server.url, user: newUser() });
    const replica = createReplica({ client });
    replica.start();
    const ids = [];
    for (let i = 0; i < 60; i++) {
      const { id } = replica.create({
        title: `${r.pick(TRIMMED)}${text(4)}x${r.pick(TRIMMED)}`,
        description: r.pick([null, undefined, text(10)]),
        completed: r.chance(0.3),
        priority: r.pick(["low", "medium", "high", undefined]),
        due_date: r.pick([null, ...DUES]),
        tags: Array.from({ length: r.below(4) }, () => `${r.pick(TRIMMED)}${text(2).replaceAll(/[ ,]/g, "_")}t`),
        metadata: r.pick([undefined, { n: r.below(9), deep: { list: [1, null, {}] } }]),
      });
      ids.push(id);
    }
    for (let i = 0; i < 15; i++) replica.update(r.pick(ids), { title: text(5), due_date: r.pick([null, ...DUES]) });
    for (let i = 0; i < 8; i++) replica.delete(r.pick(ids));
    const unsent = Object.fromEntries([...replica.tasks(), ...replica.tasks({ deleted: true })].map((task) => [task.id, task]));
    await replica.settled();

    const options = {
      status: () => r.pick(["all", "pending", "completed"]),
      priority: () => r.pick(["low", ["low", "high"], "high,medium"]),
      tag: () => r.pick([...PIECES.filter((piece) => !/[\s,]/.test(piece)).map((piece) => `${piece}T`), ["at", "bt"]]),
      due_before: () => r.pick(DUES),
      due_after: () => r.pick(DUES),
      q: () => text(2),
      sort: () => r.pick(SORTS),
      limit: () => 1 + r.below(30),
      offset: () => r.below(20),
      deleted: () => r.chance(0.2),
    };
    let found = 0;
    for (let i = 0; i < 150; i++) {
      const query = {};
      for (const [name, value] of Object.entries(options)) if (r.chance(name === "sort" ? 0.7 : 0.2)) query[name] = value();
      const { tasks } = await client.tasks.list(query);
      const own = replica.tasks(query);
      assert.deepEqual(own.map((task) => task.id), tasks.map((task) => task.id), JSON.stringify(query));
      if (!query.deleted) assert.deepEqual(own, tasks);
      for (const { id, title, description, tags, due_date, completed, priority, metadata } of tasks) {
        const { title: t, description: d, tags: g, due_date: u, completed: c, priority: p, metadata: m } = unsent[id];
        assert.deepEqual({ title, description, tags, due_date, completed, priority, metadata }, { title: t, description: d, tags: g, due_date: u, completed: c, priority: p, metadata: m }, "what was shown before the answer");
      }
      found += tasks.length;
    }
    assert.ok(found > 200, `${found} tasks were compared`);
    await replica.close();
  });
}
