// converge lets replicas of one user change tasks at random on a network that
// loses requests and answers. It loses the first of each. It returns the faults.
async function converge(user, replicas, steps) {
  const { Replica } = await import("/client/sync.js");
  const network = window.fetch;
  let broken = true;
  let lost = 0;
  window.fetch = async (...args) => {
    const chance = broken ? Math.random() : 1;
    if (chance < 0.1 || (broken && lost === 0)) throw new TypeError(`the request is lost ${++lost}`);
    const response = await network(...args);
    if (args[1].method !== "GET" && (chance < 0.2 || (broken && lost === 1))) throw new TypeError(`the answer is lost ${++lost}`);
    return response;
  };
  const store = () => {
    const kept = new Map();
    return {
      load: (name) => JSON.parse(kept.get(name) ?? "null"),
      save: (name, value) => kept.set(name, JSON.stringify(value)),
      remove: (name) => kept.delete(name),
    };
  };
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const pick = (list) => list[Math.floor(Math.random() * list.length)];

  const problems = [];
  let conflicts = 0;
  const open = (store) => {
    const replica = new Replica(user, undefined, store);
    replica.addEventListener("refused", ({ detail }) => problems.push(JSON.stringify(detail)));
    replica.addEventListener("conflict", ({ detail }) => {
      conflicts++;
      if (Math.random() < 0.5) replica.insist(detail);
    });
    replica.run();
    return replica;
  };
  const stores = Array.from({ length: replicas }, store);
  const all = stores.map(open);

  let created = 0;
  const removed = [];
  for (let step = 0; step < steps; step++) {
    const n = Math.floor(Math.random() * replicas);
    const task = pick(all[n].view());
    const gone = pick(removed.filter((task) => all[n].tasks.get(task.id)?.deleted));
    const chance = Math.random();
    if (chance < 0.05) {
      all[n].close(); // as a window that is closed and opened again
      all[n] = open(stores[n]);
    } else if (chance < 0.35 || !task) all[n].create({ title: `task ${++created}`, tags: [`step ${step}`] });
    else if (chance < 0.4) all[n].update(task, { due_date: pick([null, "2026-12-01", "2026-12-01T09:00:00"]) });
    else if (chance < 0.45) all[n].update(task, { priority: pick(["low", "high"]), tags: [...task.tags.slice(-3), `step ${step}`] });
    else if (chance < 0.6) all[n].update(task, { title: `${task.title.split(",")[0]}, step ${step}` });
    else if (chance < 0.7) all[n].update(task, { description: `step ${step}` });
    else if (chance < 0.85) all[n].update(task, { completed: !task.completed });
    else if (chance < 0.95 || !gone) {
      removed.push(task);
      all[n].remove(task);
    } else all[n].restore(gone);
    if (Math.random() < 0.3) await sleep(20);
  }
  broken = false;

  const list = async (query) => (await network(`/api/${user}/tasks${query}`)).json();
  const same = async () => {
    const want = JSON.stringify(await list("?sort=-created_at"));
    return all.every((replica) => replica.outbox.length === 0 && JSON.stringify(replica.view()) === want);
  };
  for (let tries = 0; !(await same()); tries++) {
    if (tries === 600) {
      problems.push(`no convergence: ${all.map((r) => `${r.state}, ${JSON.stringify(r.outbox)}, ${r.view().length}`)}; the server has ${(await list("")).length}`);
      break;
    }
    await sleep(100);
  }
  const made = [...(await list("")), ...(await list("?deleted=true"))].map((task) => Number(task.title.match(/^task (\d+)/)[1]));
  if (made.length !== created || new Set(made).size !== created) problems.push(`${created} tasks were made ${made.length} times`);
  for (const replica of all) replica.close();
  window.fetch = network;
  return { problems, created, lost, conflicts };
}
