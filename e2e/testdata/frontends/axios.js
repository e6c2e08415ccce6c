// A front-end with axios: an instance with interceptors, parameters as objects, pages
// by number, and every other request made again with what the list said.

async function run(base, user, token) {
  const api = axios.create({
    baseURL: `${base}/api/${user}`,
    withCredentials: true,
    paramsSerializer: { indexes: null }, // tags=a&tags=b
    headers: { "X-Requested-With": "XMLHttpRequest", "Cache-Control": "no-cache", Pragma: "no-cache" },
  });
  const failures = [];
  api.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${token}`;
    return config;
  });
  api.interceptors.response.use(
    (response) => response,
    (error) => {
      failures.push(error.response?.status ?? error.message);
      return Promise.reject(error);
    },
  );

  for (let n = 1; n <= 7; n++) {
    const { data, status } = await api.post("/tasks", {
      title: `Task ${n}`,
      description: n % 2 ? `Number ${n}` : undefined, // axios leaves it out
      priority: ["low", "medium", "high"][n % 3],
      tags: n % 2 ? ["odd", "all"] : ["all"],
      due_date: n === 4 ? null : new Date(Date.UTC(2026, 0, 10 - n, 12)).toISOString(),
    });
    equal(`task ${n} is created`, [status, data.title, data.completed], [201, `Task ${n}`, false]);
    equal(`task ${n} is due`, data.due_date, n === 4 ? null : `2026-01-${String(10 - n).padStart(2, "0")}T12:00:00Z`);
  }

  const pages = [];
  const limit = 3;
  for (let page = 0; ; page++) {
    const { data } = await api.get("/tasks", { params: { status: "all", sort: "due_date", search: undefined, limit, offset: page * limit } });
    pages.push(titles(data));
    if (data.length < limit) break;
  }
  equal("pages by number", pages, [["Task 7", "Task 6", "Task 5"], ["Task 3", "Task 2", "Task 1"], ["Task 4"]]);
  const counted = await api.get("/tasks", { params: { limit: 1, offset: 2 }, headers: { Prefer: "count=exact" } });
  equal("a total", [counted.headers["x-total-count"], titles(counted.data)], ["7", ["Task 3"]]);
  const odd = await api.get("/tasks", { params: { tags: ["odd", "all"], priority: "medium", sort_by: "created_at", order: "desc" } });
  equal("filters", titles(odd.data), ["Task 7", "Task 1"]);
  equal("a search", titles((await api.get("/tasks", { params: { search: "number 3", status: "pending" } })).data), ["Task 3"]);

  const [first] = odd.data;
  const { data: done } = await api.patch(`/tasks/${first.id}/complete`);
  equal("completed", [done.completed, Boolean(done.completed_at)], [true, true]);
  const { data: undone } = await api.patch(`/tasks/${first.id}/complete`, {});
  equal("and not", [undone.completed, undone.completed_at], [false, null]);
  const { data: put } = await api.put(`/tasks/${first.id}`, { ...undone, title: "Task seven", due_date: "" || null });
  equal("a whole task is sent back", [put.id, put.title, put.due_date, put.tags], [first.id, "Task seven", null, ["odd", "all"]]);
  const removed = await api.delete(`/tasks/${first.id}`);
  equal("removed", [removed.status, removed.data.id, removed.data.deleted], [200, first.id, true]);
  equal("six are left", (await api.get("/tasks")).data.length, 6);
  equal("no request failed", failures, []);
}
