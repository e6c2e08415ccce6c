// A client as many front-ends are written against the FastAPI service with
// these routes. It runs in a page of another origin. run returns what it saw,
// as a list of { check, saw }, which the test compares with what FastAPI
// clients rely on.

async function call(method, url, body, headers) {
  const options = { method, credentials: "include", headers: headers || {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  const response = await fetch(url, options);
  if (response.status === 204) {
    return null;
  }
  const data = await response.json();
  if (!response.ok) {
    throw new Error(data.detail || `HTTP ${response.status}`);
  }
  return data;
}

// What a user would see where something went wrong.
async function messageOf(promise) {
  const shown = document.createElement("p");
  try {
    await promise;
  } catch (error) {
    shown.textContent = error.message;
  }
  document.body.append(shown);
  return shown.innerText;
}

async function run(api) {
  const checks = [];
  const saw = (check, value) => checks.push({ check, saw: value });
  const mine = `${api}/api/user-1/tasks`;
  const theirs = `${api}/api/user-2/tasks`;
  const titles = (list) => list.map((task) => task.title);

  const empty = await call("GET", mine);
  saw("an empty list is a bare array", Array.isArray(empty) && empty.length === 0);

  const first = await call("POST", mine, { title: "First", description: "", completed: false });
  saw("a task is created with completed: false", [first.title, first.description, first.completed, first.user_id]);
  saw("its id is a string", typeof first.id);
  saw("its times are dates", [first.created_at, first.updated_at].every((t) => !Number.isNaN(Date.parse(t))));
  const second = await call("POST", `${mine}/`, { title: "Second" });
  saw("a trailing slash is served on create", second.title);
  await call("POST", mine, { title: "Third" });
  saw("the list is in creation order", titles(await call("GET", mine)));
  saw("a trailing slash is served on list", titles(await call("GET", `${mine}/`)));

  first.title = "First, edited";
  first.description = "With a description";
  const edited = await call("PUT", `${mine}/${first.id}`, first);
  saw("a whole task may be sent back", [edited.id === first.id, edited.title, edited.description, edited.completed]);

  const url = `${mine}/${second.id}/complete`;
  saw("complete toggles with no body", (await call("PATCH", url)).completed);
  saw("complete toggles with no body but a JSON type", (await call("PATCH", url, "")).completed);
  saw("complete toggles with an empty object", (await call("PATCH", url, {})).completed);
  saw("complete sets", [
    (await call("PATCH", url, { completed: true })).completed,
    (await call("PATCH", url, { completed: false })).completed,
  ]);

  const gone = await call("DELETE", `${mine}/${first.id}`);
  saw("a delete answers with a JSON body", [gone.id === first.id, gone.deleted, gone.version]);
  saw("what is left is in order", titles(await call("GET", mine)));
  saw("a foreign id is an error to show", await messageOf(call("GET", `${theirs}/${second.id}`)));
  saw("a deleted task is an error to show", await messageOf(call("PUT", `${mine}/${first.id}`, first)));
  saw("wrong input is an error to show", await messageOf(call("POST", mine, { title: "" })));

  const created = await fetch(mine, {
    method: "POST",
    credentials: "include",
    headers: { "Content-Type": "application/json", "X-Request-Id": "from-the-page" },
    body: JSON.stringify({ title: "Fourth" }),
  });
  saw("the page may read the exposed headers", [
    /^"\d+"$/.test(created.headers.get("ETag")),
    created.headers.get("Location") === `tasks/${(await created.json()).id}`,
    created.headers.get("X-Request-Id"),
  ]);
  return checks;
}
