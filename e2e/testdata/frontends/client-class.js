// A front-end with a class around fetch, as generated starters have: it parses every
// answer as JSON, that of DELETE too, and shows detail where there is one.

class TaskApi {
  constructor(base, user, token) {
    this.base = `${base}/api/${user}`;
    this.token = token;
  }

  async request(path, options = {}) {
    const response = await fetch(this.base + path, {
      ...options,
      cache: "no-store",
      credentials: "include",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        ...(this.token && { Authorization: `Bearer ${this.token}` }),
        ...options.headers,
      },
    });
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      throw new Error(problem.detail || problem.message || `HTTP ${response.status}`);
    }
    return await response.json();
  }

  list(filters = {}) {
    const query = new URLSearchParams();
    if (filters.status) query.append("status_filter", filters.status);
    if (filters.sort) query.append("sort", filters.sort);
    if (filters.search) query.append("search", filters.search);
    const text = query.toString();
    return this.request(`/tasks${text ? `?${text}` : ""}`);
  }

  create(task) {
    return this.request("/tasks", { method: "POST", body: JSON.stringify(task) });
  }

  update(id, changes) {
    return this.request(`/tasks/${id}`, { method: "PUT", body: JSON.stringify(changes) });
  }

  toggle(id) {
    return this.request(`/tasks/${id}/complete`, { method: "PATCH" });
  }

  remove(id) {
    return this.request(`/tasks/${id}`, { method: "DELETE" });
  }
}

// What a component shows of a task. It calls string methods on the priority and maps
// the tags without looking whether they are there.
const shown = (task) =>
  `${task.priority.charAt(0).toUpperCase() + task.priority.slice(1)} ${task.title} ${task.tags.map((tag) => `#${tag}`).join(" ")}`.trim();

async function run(base, user, token) {
  const api = new TaskApi(base, user, token);
  equal("nothing yet", await api.list(), []);
  const milk = await api.create({ title: "Buy milk", description: "", priority: "high", due_date: "2026-01-31", tags: ["home", "shop"] });
  equal("a new task", [milk.title, milk.description, milk.completed, milk.priority, milk.due_date, milk.tags], ["Buy milk", "", false, "high", "2026-01-31", ["home", "shop"]]);
  equal("a date is that day", milk.due_date.split("-").map(Number), [2026, 1, 31]);
  const bob = await api.create({ title: "Answer Bob", completed: false });
  equal("a task with nothing else", [bob.priority, bob.due_date, bob.tags, bob.description], ["medium", null, [], null]);
  const plan = await api.create({ title: "Plan", description: "The year", priority: "low", due_date: null, tags: [] });
  equal("cards", (await api.list()).map(shown), ["High Buy milk #home #shop", "Medium Answer Bob", "Low Plan"]);

  equal("completed by a toggle", (await api.toggle(bob.id)).completed, true);
  for (const [status, want] of [
    ["all", ["Buy milk", "Answer Bob", "Plan"]],
    ["pending", ["Buy milk", "Plan"]],
    ["completed", ["Answer Bob"]],
  ]) {
    equal(`status_filter=${status}`, titles(await api.list({ status })), want);
  }
  for (const [sort, want] of [
    ["created", ["Buy milk", "Answer Bob", "Plan"]],
    ["title", ["Answer Bob", "Buy milk", "Plan"]],
    ["due_date", ["Buy milk", "Answer Bob", "Plan"]],
  ]) {
    equal(`sort=${sort}`, titles(await api.list({ status: "all", sort })), want);
  }
  equal("search", titles(await api.list({ search: "YEAR", status: "pending", sort: "title" })), ["Plan"]);
  equal("search in tags", titles(await api.list({ search: "shop" })), ["Buy milk"]);

  const changed = await api.update(plan.id, { title: "Plan it", description: null, priority: "medium" });
  equal("changed", [changed.title, changed.description, changed.priority], ["Plan it", null, "medium"]);
  const gone = await api.remove(milk.id);
  equal("a delete has a JSON body", [gone.id, gone.deleted], [milk.id, true]);
  equal("what is left", titles(await api.list()), ["Answer Bob", "Plan it"]);
}
