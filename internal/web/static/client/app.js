// The page: it shows what a Replica holds and tells it what the user does.
import { openStore } from "./store.js";
import { Replica } from "./sync.js";

const $ = (id) => document.getElementById(id);
const rows = new Map(); // the shown tasks' elements, by id
let replica, store, user;
let filter = "all";

// Entering and leaving.

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const who = $("who").value.trim();
  if (!who) return;
  const token = who.split(".").length === 3 && subject(who) !== undefined ? who : undefined;
  enter(token ? subject(who) : who, token);
});

// subject returns whose a token is. The server checks it; this page need not.
function subject(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).sub;
  } catch {
    return undefined;
  }
}

async function enter(name, token) {
  if (!navigator.locks) return ask("Browsers let pages keep their work only on https or localhost. Open this page there.");
  user = name;
  store = await openStore(user);
  sessionStorage.setItem("docket", JSON.stringify({ user, token })); // for a reload; gone with the window
  replica = new Replica(user, token, store);
  replica.addEventListener("change", draw);
  replica.addEventListener("renamed", ({ detail }) => {
    rows.set(detail.to, rows.get(detail.from));
    rows.delete(detail.from);
  });
  replica.addEventListener("refused", ({ detail }) => notify(`“${titleOf(detail.change)}” was not saved. ${detail.problem.detail}`));
  replica.addEventListener("conflict", ({ detail }) => {
    const what = detail.now ? "was changed elsewhere, too." : "was deleted elsewhere.";
    notify(`“${titleOf(detail.change)}” ${what}`, detail.change.kind === "delete" ? "Delete it anyway" : "Keep mine", () => replica.insist(detail));
  });
  replica.addEventListener("unauthorized", ({ detail }) => {
    close();
    ask(detail);
  });
  $("enter").hidden = true;
  for (const id of ["board", "leave", "status"]) $(id).hidden = false;
  document.title = `${user} · Docket`;
  draw();
  replica.run();
  $("title").focus();
}

function close() {
  replica.close();
  store.close();
  replica = undefined;
  sessionStorage.removeItem("docket");
  for (const id of ["board", "leave", "status"]) $(id).hidden = true;
  $("enter").hidden = false;
  $("notices").replaceChildren();
  document.title = "Docket";
}

// ask shows why the page cannot go on without another user or token.
function ask(why) {
  $("why").textContent = why;
  $("why").classList.add("fault");
  $("who").value = "";
  $("who").focus();
}

$("leave").addEventListener("click", () => {
  const unsent = replica.outbox.length;
  if (unsent > 0 && !confirm(`${count(unsent, "change")} not sent yet would be lost.`)) return;
  const left = store;
  close();
  left.remove("copy");
  left.remove("outbox");
  $("who").focus();
});

// What the user does with tasks.

$("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const title = $("title").value.trim();
  if (title) replica.create(title);
  $("title").value = "";
});

$("filters").addEventListener("click", (event) => {
  if (!event.target.dataset.filter) return;
  filter = event.target.dataset.filter;
  for (const button of $("filters").querySelectorAll("button")) button.ariaPressed = String(button === event.target);
  draw();
});

function newRow() {
  const row = $("task").content.firstElementChild.cloneNode(true);
  const find = (selector) => row.querySelector(selector);
  const edit = (open) => {
    find(".edit").hidden = !open;
    find(".text").hidden = open;
    if (!open) return find(".text").focus();
    find(".edit .title").value = row.task.title;
    find(".edit .description").value = row.task.description ?? "";
    row.edited = row.task;
    find(".edit .title").focus();
  };
  find(".done").addEventListener("change", (event) => replica.update(row.task, { completed: event.target.checked }));
  find(".text").addEventListener("click", () => edit(true));
  find(".cancel").addEventListener("click", () => edit(false));
  find(".edit").addEventListener("keydown", (event) => event.key === "Escape" && edit(false));
  find(".edit").addEventListener("submit", (event) => {
    event.preventDefault();
    const now = { title: find(".edit .title").value.trim(), description: find(".edit .description").value || null };
    const fields = Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== row.edited[name]));
    if (!now.title) return;
    if (Object.keys(fields).length > 0) replica.update({ ...row.edited, id: row.task.id }, fields);
    edit(false);
  });
  find(".delete").addEventListener("click", () => {
    const task = row.task;
    replica.remove(task);
    const id = rows.has(task.id) ? task.id : row.task.id;
    notify(`“${task.title}” is deleted.`, "Undo", () => replica.restore({ ...task, id }), 8000);
    $("title").focus();
  });
  return row;
}

// Showing.

function draw() {
  if (!replica) return;
  const unsent = replica.outbox.length;
  const state = { live: "Live", connecting: "Connecting", offline: "Offline", refused: "Refused" }[replica.state];
  $("status").textContent = `${user} · ${state}${unsent ? ` · ${unsent} unsent` : ""}`;
  $("status").dataset.state = replica.state;

  const all = replica.view();
  const shown = all.filter((task) => filter === "all" || task.completed === (filter === "done"));
  const open = all.filter((task) => !task.completed).length;
  $("count").textContent = all.length ? `${open} of ${all.length} open` : "";
  $("none").hidden = shown.length > 0;

  const ids = new Set(shown.map((task) => task.id));
  for (const [id, row] of rows) {
    if (ids.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  let after = null;
  for (const task of shown) {
    if (!rows.has(task.id)) rows.set(task.id, newRow());
    const row = rows.get(task.id);
    fill(row, task);
    const place = after ? after.nextElementSibling : $("tasks").firstElementChild;
    if (place !== row) $("tasks").insertBefore(row, place);
    after = row;
  }
}

function fill(row, task) {
  row.task = task;
  row.classList.toggle("completed", task.completed);
  row.classList.toggle("unsent", Boolean(task.unsent));
  row.querySelector(".done").checked = task.completed;
  row.querySelector(".done").ariaLabel = `Done: ${task.title}`;
  row.querySelector(".delete").ariaLabel = `Delete ${task.title}`;
  row.querySelector(".text .title").textContent = task.title;
  row.querySelector(".text .description").textContent = task.description ?? "";
}

// notify shows a sentence, with something to do about it, until it is dismissed
// or for so many milliseconds.
function notify(text, act, action, ms) {
  const notice = $("notice").content.firstElementChild.cloneNode(true);
  const done = () => notice.remove();
  notice.querySelector("p").textContent = text;
  notice.querySelector(".act").textContent = act ?? "";
  notice.querySelector(".act").hidden = !act;
  notice.querySelector(".act").addEventListener("click", () => {
    action();
    done();
  });
  notice.querySelector(".dismiss").addEventListener("click", done);
  $("notices").append(notice);
  if (ms) setTimeout(done, ms);
}

function titleOf({ fields, task }) {
  return fields?.title ?? task.title;
}

function count(n, thing) {
  return `${n} ${thing}${n === 1 ? "" : "s"}`;
}

const last = JSON.parse(sessionStorage.getItem("docket"));
if (last) enter(last.user, last.token);
else $("who").focus();
