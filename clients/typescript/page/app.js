// The page: it shows what a replica holds and tells it what the user does.
import { createClient } from "docket-client";
import { createReplica, indexedDBStorage } from "docket-client/replica";
import { describe, isOverdue } from "./due.js";
import { Editor } from "./editor.js";
import { useFiles } from "./files.js";
import { choose, tagsOf } from "./list.js";

const $ = (id) => document.getElementById(id);
const rows = new Map(); // the shown tasks' elements, by id
const adding = new Editor($("add"), $("details"));
const BASE = new URL("..", import.meta.url).href; // a proxy may serve all of it under a prefix
const KEY = "dkt_"; // begins every API key
const INCOMPLETE = "This API key is not complete. Paste all of it.";
const EMPTY = { title: "", description: null, priority: "medium", due_date: null, tags: [] };
let client, replica, user, token, others; // others: the windows of this user, which get its new tokens

// Entering and leaving.

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const who = $("who").value.trim();
  if (!who) return;
  const name = subject(who);
  if (name === undefined && who.startsWith(KEY)) return ask(INCOMPLETE);
  if (name === undefined) enter(who);
  else enter(name, who);
});

// subject returns whose a token is, which an API key says before its first dot and a JSON Web
// Token in its second part; undefined for other texts. The server checks it; this page need not.
function subject(token) {
  const [first, second, third, more] = token.split(".");
  if (third === undefined || more !== undefined) return undefined;
  const isKey = token.startsWith(KEY);
  try {
    const part = isKey ? first.slice(KEY.length) : second;
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return isKey ? text || undefined : JSON.parse(text).sub;
  } catch {
    return undefined;
  }
}

async function enter(name, given) {
  if (!navigator.locks) return ask("Browsers let pages keep their work only on https or localhost. Open this page there.");
  user = name;
  token = given;
  remember();
  client = createClient({ baseUrl: BASE, user, token: () => token });
  replica = createReplica({ client, storage: indexedDBStorage() });
  replica.subscribe(draw);
  replica.on("refused", ({ change, error }) => notify(`“${titleOf(change.fields, change.seen)}” was not saved. ${error.message}`));
  replica.on("storage", () => notify("This browser has no room for a copy of the tasks. What is not sent yet is lost when this window closes."));
  replica.on("conflict", ({ task, mine, theirs, keepMine }) => {
    const what = theirs ? "was changed elsewhere, too." : "was deleted elsewhere.";
    notify(`“${titleOf(mine, task)}” ${what}`, mine ? "Keep mine" : "Delete it anyway", keepMine);
  });
  others = new BroadcastChannel(`docket token ${client.url}`);
  others.onmessage = ({ data }) => goOn(data);
  $("enter").hidden = true;
  for (const id of ["board", "leave", "status"]) $(id).hidden = false;
  document.title = `${user} · Docket`;
  draw();
  replica.start();
  $("title").focus();
}

// refused shows why the server takes nothing more, unless it did so before.
function refused({ code, status, message }) {
  const token = status === 401 || code === "forbidden" || code === "insufficient-scope";
  if (token && (replica.status.unsent > 0 || replica.tasks().length > 0)) return askAgain(message);
  close();
  ask(message);
}

// remember keeps who is here for a reload; it is gone with the window.
function remember() {
  sessionStorage.setItem("docket", JSON.stringify({ user, token }));
}

function close(how) {
  const left = replica;
  replica = undefined;
  void left.close(how);
  others.close();
  sessionStorage.removeItem("docket");
  for (const id of ["board", "leave", "status", "again"]) $(id).hidden = true;
  $("enter").hidden = false;
  $("token").value = "";
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

// askAgain asks for another token of the same user, who may go on meanwhile.
function askAgain(why) {
  $("again").hidden = false;
  $("because").textContent = why;
}

$("again").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = $("token").value.trim();
  const other = subject(given);
  if (other === undefined && given.startsWith(KEY)) return askAgain(INCOMPLETE);
  if (other !== undefined && other !== user) return askAgain(`This is the token of ${other}. Leave first to see the tasks of ${other}.`);
  others.postMessage(given);
  goOn(given);
  $("title").focus();
});

// goOn goes on with another token.
function goOn(given) {
  token = given;
  remember();
  $("token").value = "";
  $("again").hidden = true;
  shownStatus = undefined;
  replica.start();
}

$("leave").addEventListener("click", () => {
  const { unsent } = replica.status;
  if (unsent > 0 && !confirm(`${count(unsent, "change")} not sent yet would be lost.`)) return;
  close({ forget: true });
  $("who").focus();
});

// What the user does with tasks.

function clearAdding() {
  adding.show(EMPTY);
}

$("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = adding.edited();
  if (!fields) return;
  const { id } = replica.create(fields);
  clearAdding();
  $("title").focus();
  if (!rows.has(id)) notify(`“${fields.title}” is added, but not shown by these filters.`, "Show all", clearFilters, 8000);
});

$("more").addEventListener("click", () => {
  $("details").hidden = !$("details").hidden;
  $("more").ariaExpanded = String(!$("details").hidden);
  if (!$("details").hidden) $("details").querySelector("textarea").focus();
});

// Filters.

$("shown").addEventListener("click", ({ target }) => {
  if (target.dataset.filter === undefined) return;
  for (const button of $("shown").querySelectorAll("button")) button.ariaPressed = String(button === target);
  draw();
});

$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("input", () => draw());
$("clear").addEventListener("click", () => {
  clearFilters();
  $("search").focus();
});

function clearFilters() {
  $("filters").reset();
  $("shown").querySelector("button").click();
}

function filters() {
  const { search, priority, tag, due, sort } = Object.fromEntries(new FormData($("filters")));
  const completed = $("shown").querySelector("[aria-pressed=true]").dataset.filter;
  return { completed, search: search.trim(), priority, tag, due, sort };
}

function newRow() {
  const row = $("task").content.firstElementChild.cloneNode(true);
  const find = (selector) => row.querySelector(selector);
  let editor; // most rows are never edited
  const edit = (open) => {
    find(".edit").hidden = !open;
    find(".text").hidden = open;
    row.edited = open ? row.task : undefined;
    if (!open) return find(".text").focus();
    editor ??= new Editor(find(".edit"), find(".edit .place"));
    editor.show(row.task);
    find(".edit .title").focus();
  };
  find(".done").addEventListener("change", (event) => replica.update(row.task.id, { completed: event.target.checked }));
  find(".text").addEventListener("click", () => edit(true));
  find(".cancel").addEventListener("click", () => {
    edit(false);
    draw();
  });
  find(".edit").addEventListener("keydown", (event) => {
    const suggesting = event.target.matches(".tag") && event.target.value;
    if (event.key === "Escape" && !suggesting) find(".cancel").click();
  });
  find(".edit").addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = editor.edited();
    if (!fields) return;
    const seen = row.edited;
    edit(false);
    replica.update(seen.id, fields, seen);
    draw();
  });
  find(".delete").addEventListener("click", () => {
    const task = row.task;
    row.edited = undefined;
    replica.delete(task.id);
    notify(`“${task.title}” is deleted.`, "Undo", () => replica.restore(task.id), 8000);
    $("title").focus();
  });
  return row;
}

// Showing.

let shownStatus;

function draw() {
  if (!replica) return;
  const { status } = replica;
  if (status !== shownStatus) {
    shownStatus = status;
    if (status.error) refused(status.error);
    if (!replica) return;
    const state = { live: "Live", connecting: "Connecting", offline: "Offline", refused: "Token needed" }[status.state];
    $("status").textContent = `${user} · ${state}${status.unsent ? ` · ${status.unsent} unsent` : ""}`;
    $("status").dataset.state = status.state;
  }

  const all = replica.tasks({ sort: "-created_at" });
  drawFilters(all);
  const wanted = filters();
  const chosen = new Set(choose(all, wanted).map((task) => task.id));
  // A task stays while it is edited, whatever others do with it.
  const edited = [...rows].filter(([, row]) => row.edited);
  const kept = all.filter(({ id }) => chosen.has(id) || edited.some(([other]) => other === id));
  const gone = edited.filter(([id]) => !kept.some((task) => task.id === id)).map(([id, row]) => ({ ...row.task, id }));
  const shown = choose([...kept, ...gone], { sort: wanted.sort });

  const open = all.filter((task) => !task.completed).length;
  const filtered = Object.entries(wanted).some(([name, value]) => name !== "sort" && name !== "completed" && value);
  $("count").textContent = filtered ? `${chosen.size} of ${all.length} shown` : all.length ? `${open} of ${all.length} open` : "";
  $("none").textContent = all.length ? "No task is like that." : "Nothing here.";
  $("none").hidden = shown.length > 0;
  drawRows(shown);
}

// drawRows keeps the focus where it is, also when its row moves or is gone.
function drawRows(shown) {
  const focus = document.activeElement;
  const place = [...$("tasks").children].findIndex((row) => row.contains(focus));
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
    const next = after ? after.nextElementSibling : $("tasks").firstElementChild;
    if (next !== row) $("tasks").insertBefore(row, next);
    after = row;
  }
  if (place < 0 || document.activeElement === focus) return;
  const instead = $("tasks").children[Math.min(place, shown.length - 1)]?.querySelector(".done") ?? $("title");
  (focus.isConnected ? focus : instead).focus();
}

// drawFilters offers the tags that there are.
function drawFilters(tasks) {
  const tags = tagsOf(tasks);
  const chosen = $("tag").value;
  const offered = JSON.stringify(tags);
  if (offered !== $("known").dataset.offered) {
    $("known").dataset.offered = offered;
    $("known").replaceChildren(...tags.map((tag) => new Option("", tag)));
    if (chosen && !tags.includes(chosen)) tags.push(chosen);
    $("tag").replaceChildren(new Option("Any", ""), ...tags.map((tag) => new Option(tag, tag, false, tag === chosen)));
  }
  const set = ["priority", "tag", "due"].filter((id) => $(id).value).length;
  $("set").textContent = `Filter and sort${set ? ` (${set})` : ""}`;
}

function fill(row, task) {
  const find = (selector) => row.querySelector(selector);
  row.task = task;
  row.classList.toggle("completed", task.completed);
  row.classList.toggle("unsent", Boolean(task.unsent));
  find(".done").checked = task.completed;
  find(".done").ariaLabel = `Done: ${task.title}`;
  find(".delete").ariaLabel = `Delete ${task.title}`;
  find(".text .title").textContent = task.title;
  find(".text .description").textContent = task.description ?? "";

  const now = new Date();
  const about = [];
  const add = (name, text, title) => about.push(Object.assign(document.createElement("em"), { className: name, textContent: text, title: title ?? "" }), " ");
  const late = task.due_date && !task.completed && isOverdue(task.due_date, now);
  if (task.due_date) add(late ? "due late" : "due", `${late ? "Overdue" : "Due"} ${describe(task.due_date, now)}`, task.due_date);
  if (task.priority !== "medium") add(`priority ${task.priority}`, task.priority === "high" ? "High priority" : "Low priority");
  for (const tag of task.tags) add("tag", `#${tag}`);
  find(".text .about").replaceChildren(...about);
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

function titleOf(fields, task) {
  return fields?.title ?? task?.title ?? "A task";
}

function count(n, thing) {
  return `${n} ${thing}${n === 1 ? "" : "s"}`;
}

setInterval(draw, 60_000); // days begin
clearAdding();
useFiles(() => client, notify);
const last = JSON.parse(sessionStorage.getItem("docket"));
if (last) enter(last.user, last.token);
else $("who").focus();
