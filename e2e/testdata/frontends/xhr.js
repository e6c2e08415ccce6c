// A front-end on XMLHttpRequest, with trailing slashes, many requests at a time, and a
// search while the user types, of which only the last answer is awaited.

function send(method, url, token, body) {
  const request = new XMLHttpRequest();
  const answer = new Promise((resolve, reject) => {
    request.open(method, url);
    request.responseType = "json";
    request.withCredentials = true;
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    if (body !== undefined) request.setRequestHeader("Content-Type", "application/json");
    request.onload = () => (request.status < 400 ? resolve(request.response) : reject(new Error(request.response?.detail)));
    request.onerror = () => reject(new Error("network"));
    request.onabort = () => resolve("aborted");
    request.send(body === undefined ? null : JSON.stringify(body));
  });
  return { request, answer };
}

async function run(base, user, token) {
  const root = `${base}/api/${user}/tasks`;
  const call = (method, path, body) => send(method, root + path, token, body).answer;
  equal("nothing yet", await call("GET", "/"), []);
  const made = await Promise.all(["milk", "bread", "eggs", "tea"].map((title) => call("POST", "/", { title, tags: ["shop"], due_date: null })));
  equal("each is made", titles(made), ["milk", "bread", "eggs", "tea"]);
  equal("ids differ", new Set(made.map((task) => task.id)).size, 4);
  equal("all are toggled", (await Promise.all(made.map((task) => call("PATCH", `/${task.id}/complete/`)))).map((task) => task.completed), [true, true, true, true]);
  equal("none is pending", await call("GET", "/?status_filter=pending"), []);

  let last;
  for (const text of ["m", "mi", "mil", "milk"]) {
    last?.request.abort();
    last = send("GET", `${root}/?search=${text}&status_filter=all&sort=created`, token);
  }
  equal("the last search", titles(await last.answer), ["milk"]);

  const [task] = await call("GET", "/?limit=1&offset=0&sort=title");
  equal("by title", task.title, "bread");
  task.title = "rye bread";
  task.due_date = "2026-01-31";
  const put = await call("PUT", `/${task.id}/`, task);
  equal("put", [put.title, put.due_date, put.completed], ["rye bread", "2026-01-31", true]);
  const gone = await Promise.all(made.map(({ id }) => call("DELETE", `/${id}/`)));
  equal("each is deleted", gone.map(({ id, deleted }) => [id, deleted]), made.map(({ id }) => [id, true]));
  equal("nothing is left", await call("GET", "/"), []);
}
