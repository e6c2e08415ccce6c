// A front-end that keeps tasks in its state and sends them back whole, with fields of
// its own that Docket does not have: those are ignored, and named.

async function run(base, user, token) {
  const ignored = [];
  const call = async (method, path, body) => {
    const response = await fetch(`${base}/api/${user}/tasks${path}`, {
      method,
      headers: { "Content-Type": "application/json; charset=utf-8", Authorization: `Bearer ${token}` },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error((await response.json()).detail);
    ignored.push(response.headers.get("Docket-Ignored"));
    return response.json();
  };
  let state = [];
  const save = async (task) => {
    const saved = await call("PUT", `/${task.id}`, task);
    state = state.map((other) => (other.id === saved.id ? saved : other));
    return saved;
  };

  // The value of <input type="datetime-local">.
  const input = document.createElement("input");
  input.type = "datetime-local";
  input.value = "2026-01-31T10:00";
  const form = {
    title: "Water the plants",
    description: "",
    priority: "medium",
    due_date: input.value,
    tags: ["garden"],
    is_recurring: true,
    recurrence_pattern: "weekly",
    recurrence: { every: 7, unit: "days", until: null },
    reminder_at: "2026-01-31T09:45:00Z",
    reminders: [15, 60],
    category: "home",
  };
  state.push(await call("POST", "", form));
  equal("what is ignored is named", ignored.pop(), '"/is_recurring", "/recurrence_pattern", "/recurrence", "/reminder_at", "/reminders", "/category"');
  equal("a local time stays one", state[0].due_date, "2026-01-31T10:00:00");
  input.value = state[0].due_date;
  equal("and fills the input again", input.valueAsNumber, Date.UTC(2026, 0, 31, 10));

  const edited = await save({ ...state[0], title: "Water the cactus", next_occurrence: null, deleted: false });
  equal("whole, with one field of its own", [edited.title, edited.due_date, edited.tags, ignored.pop()], ["Water the cactus", "2026-01-31T10:00:00", ["garden"], '"/next_occurrence"']);
  const due = new Date("2026-02-03T04:05:06.789+02:00").toISOString();
  equal("a moment", (await save({ ...state[0], due_date: due })).due_date, "2026-02-03T02:05:06Z");
  equal("a day", (await save({ ...state[0], due_date: "2026-01-31" })).due_date, "2026-01-31");
  equal("none", (await save({ ...state[0], due_date: null })).due_date, null);
  const done = await save({ ...state[0], completed: true, completed_at: new Date().toISOString() });
  equal("completed by the whole task", [done.completed, done.completed_at], [true, done.updated_at]);
  const again = await save(state[0]);
  equal("sent back as it was", again, done);
  for (const priority of ["low", "medium", "high"]) equal(priority, (await save({ ...state[0], priority })).priority, priority);
  equal("without tags", (await save({ ...state[0], tags: [] })).tags, []);
  equal("nothing else is ignored", ignored.filter(Boolean), []);
  equal("the server has what the state has", await call("GET", "?include_subtasks=true"), state);
  equal("a parameter of its own", ignored.pop(), '"?include_subtasks"');
  equal("deleted", (await call("DELETE", `/${state[0].id}`)).deleted, true);
}
