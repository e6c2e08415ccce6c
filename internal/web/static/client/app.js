// Built from clients/typescript/page by scripts/page.mjs. Do not edit.

// page/app.js
import { createClient } from "./docket.js";
import { createReplica, indexedDBStorage } from "./docket.js";

// page/due.js
var isDate = (due) => due.length === 10;
function momentOf(due) {
  return new Date(isDate(due) ? `${due}T00:00:00` : due);
}
function dayOf(due) {
  return due.endsWith("Z") ? local(momentOf(due)).slice(0, 10) : due.slice(0, 10);
}
function timeOf(due) {
  if (isDate(due)) return "";
  const time = due.endsWith("Z") ? local(momentOf(due)).slice(11) : due.slice(11);
  return time.endsWith(":00") ? time.slice(0, 5) : time;
}
function dueAt(day, time, earlier) {
  if (!day || !time) return day || null;
  const both = `${day}T${time.length === 5 ? `${time}:00` : time}`;
  return earlier?.endsWith("Z") ? `${new Date(both).toISOString().slice(0, 19)}Z` : both;
}
function isOverdue(due, now) {
  return isDate(due) ? due < today(now) : momentOf(due) < now;
}
function today(now, later = 0) {
  return local(new Date(now.getFullYear(), now.getMonth(), now.getDate() + later)).slice(0, 10);
}
function describe(due, now) {
  const when = momentOf(due);
  const near = ["Yesterday", "Today", "Tomorrow"].find((_, i) => dayOf(due) === today(now, i - 1));
  const day = near ?? when.toLocaleDateString(void 0, { dateStyle: "medium" });
  return isDate(due) ? day : `${day}, ${when.toLocaleTimeString(void 0, { timeStyle: timeOf(due).length === 5 ? "short" : "medium" })}`;
}
function local(moment2) {
  const two = (n) => String(n).padStart(2, "0");
  const day = `${String(moment2.getFullYear()).padStart(4, "0")}-${two(moment2.getMonth() + 1)}-${two(moment2.getDate())}`;
  return `${day}T${two(moment2.getHours())}:${two(moment2.getMinutes())}:${two(moment2.getSeconds())}`;
}

// page/editor.js
var MOST = 20;
var LONGEST = 50;
var Editor = class {
  #at;
  #task;
  // as it was shown
  #shown;
  // what the inputs held then: they cannot hold all that a task can
  #tags = [];
  // The editor puts all inputs but that of the title into place.
  constructor(form, place) {
    place.append(document.getElementById("fields").content.cloneNode(true));
    this.#at = (selector) => form.querySelector(selector);
    const tag = this.#at(".tag");
    tag.addEventListener("input", () => {
      tag.setCustomValidity("");
      if (tag.value.includes(",")) this.#takeTag();
    });
    const enter2 = (event) => {
      if (document.activeElement !== tag || !tag.value.trim()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#takeTag();
    };
    form.addEventListener("submit", enter2, { capture: true });
  }
  show(task) {
    this.#task = task;
    this.#tags = task.tags;
    this.#drawTags();
    const due = task.due_date ?? "";
    const inputs = { title: task.title, description: task.description ?? "", priority: task.priority, date: dayOf(due), time: timeOf(due), tag: "" };
    for (const [name, value] of Object.entries(inputs)) this.#at(`.${name}`).value = value;
    this.#at(".time").step = timeOf(due).length > 5 ? 1 : 60;
    this.#at(".time").hidden = !timeOf(due);
    this.#at(".tag").setCustomValidity("");
    this.#shown = this.#read();
  }
  #read() {
    return Object.fromEntries(["title", "description", "priority", "date", "time"].map((name) => [name, this.#at(`.${name}`).value]));
  }
  // edited returns the fields that the user has changed, or undefined when one is wrong.
  edited() {
    const now = this.#read();
    if (!now.title.trim() || !this.#takeTag()) return void 0;
    const changed2 = (name) => now[name] !== this.#shown[name];
    const fields = {};
    if (changed2("title")) fields.title = now.title.trim();
    if (changed2("description")) fields.description = now.description || null;
    if (changed2("priority")) fields.priority = now.priority;
    if (changed2("date") || changed2("time")) fields.due_date = dueAt(now.date, now.time, this.#task.due_date);
    if (this.#tags.join("\0") !== this.#task.tags.join("\0")) fields.tags = this.#tags;
    return fields;
  }
  // takeTag adds what is in the input, with commas between several tags.
  #takeTag() {
    const input = this.#at(".tag");
    const names = input.value.split(",").map((name) => name.trim()).filter(Boolean);
    const tags = [.../* @__PURE__ */ new Set([...this.#tags, ...names])];
    if (names.some((name) => [...name].length > LONGEST)) input.setCustomValidity(`A tag has at most ${LONGEST} characters.`);
    else if (tags.length > MOST) input.setCustomValidity(`A task has at most ${MOST} tags.`);
    if (!input.reportValidity()) return false;
    input.value = "";
    this.#tags = tags;
    this.#drawTags();
    return true;
  }
  #drawTags() {
    const chips = this.#tags.map((tag) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.className = "chip plain";
      chip.textContent = `${tag} ✕`;
      chip.ariaLabel = `Remove the tag ${tag}`;
      chip.addEventListener("click", () => {
        this.#tags = this.#tags.filter((other) => other !== tag);
        this.#drawTags();
        this.#at(".tag").focus();
      });
      return chip;
    });
    this.#at(".chips").replaceChildren(...chips);
  }
};

// page/files.js
var $ = (id) => document.getElementById(id);
var ENDINGS = { json: "json", csv: "csv", ics: "ics", txt: "todotxt" };
var NAMES = { json: "docket.json", csv: "docket.csv", ics: "docket.ics", todotxt: "todo.txt" };
function useFiles(client2, notify2) {
  let chosen;
  async function working(work) {
    $("data").setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      notify2(error.message);
    } finally {
      $("data").removeAttribute("aria-busy");
    }
  }
  $("export").addEventListener("submit", (event) => {
    event.preventDefault();
    const format = $("format").value;
    void working(async () => {
      const url = URL.createObjectURL(await client2().export(format));
      Object.assign(document.createElement("a"), { href: url, download: NAMES[format] }).click();
      setTimeout(() => URL.revokeObjectURL(url), 6e4);
    });
  });
  function choose2(file) {
    const format = ENDINGS[file.name.split(".").pop().toLowerCase()];
    if (!format) return notify2(`“${file.name}” is no file that can be imported. Choose one that ends in .json, .csv, .ics or .txt.`);
    void working(async () => {
      const result = await client2().import(file, { format, dryRun: true });
      chosen = { file, format };
      show(file, result);
    });
  }
  function show({ name }, { added, unchanged, skipped, skipped_count }) {
    $("data").open = true;
    $("plan").hidden = false;
    $("would").textContent = `${name} has ${tasks(added)} to add; ${unchanged} are here already, ${skipped_count} cannot be read.`;
    $("faults").replaceChildren(...skipped.map(({ line, detail }) => Object.assign(document.createElement("li"), { textContent: `Line ${line}: ${detail}` })));
    $("do").textContent = `Import ${tasks(added)}`;
    $("do").disabled = added === 0;
    (added > 0 ? $("do") : $("cancel")).focus();
  }
  function close2() {
    chosen = void 0;
    $("plan").hidden = true;
    $("file").value = "";
  }
  $("file").addEventListener("change", () => $("file").files[0] && choose2($("file").files[0]));
  $("cancel").addEventListener("click", () => {
    close2();
    $("file").focus();
  });
  $("plan").addEventListener("submit", (event) => {
    event.preventDefault();
    const { file, format } = chosen;
    void working(async () => {
      const { added } = await client2().import(file, { format });
      close2();
      notify2(`${tasks(added)} imported.`, void 0, void 0, 8e3);
      $("file").focus();
    });
  });
  const board = $("board");
  const carries = (event) => event.dataTransfer?.types.includes("Files") && !board.hidden;
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    board.classList.add("drop");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || board.classList.remove("drop"));
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    board.classList.remove("drop");
    if (event.dataTransfer.files[0]) choose2(event.dataTransfer.files[0]);
  });
}
function tasks(n) {
  return `${n} task${n === 1 ? "" : "s"}`;
}

// page/list.js
var DUE = {
  overdue: (task, now) => task.due_date && !task.completed && isOverdue(task.due_date, now),
  today: (task, now) => task.due_date && dayOf(task.due_date) === today(now),
  week: (task, now) => task.due_date && dayOf(task.due_date) >= today(now) && dayOf(task.due_date) < today(now, 7),
  none: (task) => !task.due_date
};
var text = new Intl.Collator(void 0, { numeric: true });
var rank = { high: 0, medium: 1, low: 2 };
var ORDERS = {
  created: (a, b) => a.id < b.id ? 1 : -1,
  // newest first
  due: (a, b) => moment(a) - moment(b) || 0,
  // neither has one: Infinity - Infinity
  priority: (a, b) => rank[a.priority] - rank[b.priority],
  title: (a, b) => text.compare(a.title, b.title),
  updated: (a, b) => changed(b) - changed(a) || 0
};
var moment = (task) => task.due_date ? momentOf(task.due_date).getTime() : Infinity;
var changed = (task) => task.unsent ? Infinity : Date.parse(task.updated_at);
function choose(tasks2, { completed, search, priority, tag, due, sort }, now = /* @__PURE__ */ new Date()) {
  const found = search && caseless(search);
  const tagged = tag && caseless(tag, true);
  return tasks2.filter(
    (task) => (!completed || task.completed === (completed === "done")) && (!priority || task.priority === priority) && (!tagged || task.tags.some((name) => tagged.test(name))) && (!due || DUE[due](task, now)) && (!found || [task.title, task.description ?? "", ...task.tags].some((part) => found.test(part)))
  ).sort(ORDERS[sort]);
}
function tagsOf(tasks2) {
  const tags = /* @__PURE__ */ new Map();
  for (const tag of tasks2.flatMap((task) => task.tags)) if (!tags.has(tag.toLowerCase())) tags.set(tag.toLowerCase(), tag);
  return [...tags.values()].sort(text.compare);
}
function caseless(sought, whole = false) {
  const literal = sought.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(whole ? `^${literal}$` : literal, "iu");
}

// page/app.js
var $2 = (id) => document.getElementById(id);
var rows = /* @__PURE__ */ new Map();
var adding = new Editor($2("add"), $2("details"));
var BASE = new URL("..", import.meta.url).href;
var KEY = "dkt_";
var INCOMPLETE = "This API key is not complete. Paste all of it.";
var EMPTY = { title: "", description: null, priority: "medium", due_date: null, tags: [] };
var client;
var replica;
var user;
var token;
var others;
$2("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const who = $2("who").value.trim();
  if (!who) return;
  const name = subject(who);
  if (name === void 0 && who.startsWith(KEY)) return ask(INCOMPLETE);
  if (name === void 0) enter(who);
  else enter(name, who);
});
function subject(token2) {
  const [first, second, third, more] = token2.split(".");
  if (third === void 0 || more !== void 0) return void 0;
  const isKey = token2.startsWith(KEY);
  try {
    const part = isKey ? first.slice(KEY.length) : second;
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const text2 = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return isKey ? text2 || void 0 : JSON.parse(text2).sub;
  } catch {
    return void 0;
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
  $2("enter").hidden = true;
  for (const id of ["board", "leave", "status"]) $2(id).hidden = false;
  document.title = `${user} · Docket`;
  draw();
  replica.start();
  $2("title").focus();
}
function refused({ code, status, message }) {
  const token2 = status === 401 || code === "forbidden" || code === "insufficient-scope";
  if (token2 && (replica.status.unsent > 0 || replica.tasks().length > 0)) return askAgain(message);
  close();
  ask(message);
}
function remember() {
  sessionStorage.setItem("docket", JSON.stringify({ user, token }));
}
function close(how) {
  const left = replica;
  replica = void 0;
  void left.close(how);
  others.close();
  sessionStorage.removeItem("docket");
  for (const id of ["board", "leave", "status", "again"]) $2(id).hidden = true;
  $2("enter").hidden = false;
  $2("token").value = "";
  $2("notices").replaceChildren();
  document.title = "Docket";
}
function ask(why) {
  $2("why").textContent = why;
  $2("why").classList.add("fault");
  $2("who").value = "";
  $2("who").focus();
}
function askAgain(why) {
  $2("again").hidden = false;
  $2("because").textContent = why;
}
$2("again").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = $2("token").value.trim();
  const other = subject(given);
  if (other === void 0 && given.startsWith(KEY)) return askAgain(INCOMPLETE);
  if (other !== void 0 && other !== user) return askAgain(`This is the token of ${other}. Leave first to see the tasks of ${other}.`);
  others.postMessage(given);
  goOn(given);
  $2("title").focus();
});
function goOn(given) {
  token = given;
  remember();
  $2("token").value = "";
  $2("again").hidden = true;
  shownStatus = void 0;
  replica.start();
}
$2("leave").addEventListener("click", () => {
  const { unsent } = replica.status;
  if (unsent > 0 && !confirm(`${count(unsent, "change")} not sent yet would be lost.`)) return;
  close({ forget: true });
  $2("who").focus();
});
function clearAdding() {
  adding.show(EMPTY);
}
$2("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = adding.edited();
  if (!fields) return;
  const { id } = replica.create(fields);
  clearAdding();
  $2("title").focus();
  if (!rows.has(id)) notify(`“${fields.title}” is added, but not shown by these filters.`, "Show all", clearFilters, 8e3);
});
$2("more").addEventListener("click", () => {
  $2("details").hidden = !$2("details").hidden;
  $2("more").ariaExpanded = String(!$2("details").hidden);
  if (!$2("details").hidden) $2("details").querySelector("textarea").focus();
});
$2("shown").addEventListener("click", ({ target }) => {
  if (target.dataset.filter === void 0) return;
  for (const button of $2("shown").querySelectorAll("button")) button.ariaPressed = String(button === target);
  draw();
});
$2("filters").addEventListener("submit", (event) => event.preventDefault());
$2("filters").addEventListener("input", () => draw());
$2("clear").addEventListener("click", () => {
  clearFilters();
  $2("search").focus();
});
function clearFilters() {
  $2("filters").reset();
  $2("shown").querySelector("button").click();
}
function filters() {
  const { search, priority, tag, due, sort } = Object.fromEntries(new FormData($2("filters")));
  const completed = $2("shown").querySelector("[aria-pressed=true]").dataset.filter;
  return { completed, search: search.trim(), priority, tag, due, sort };
}
function newRow() {
  const row = $2("task").content.firstElementChild.cloneNode(true);
  const find = (selector) => row.querySelector(selector);
  let editor;
  const edit = (open) => {
    find(".edit").hidden = !open;
    find(".text").hidden = open;
    row.edited = open ? row.task : void 0;
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
    row.edited = void 0;
    replica.delete(task.id);
    notify(`“${task.title}” is deleted.`, "Undo", () => replica.restore(task.id), 8e3);
    $2("title").focus();
  });
  return row;
}
var shownStatus;
function draw() {
  if (!replica) return;
  const { status } = replica;
  if (status !== shownStatus) {
    shownStatus = status;
    if (status.error) refused(status.error);
    if (!replica) return;
    const state = { live: "Live", connecting: "Connecting", offline: "Offline", refused: "Token needed" }[status.state];
    $2("status").textContent = `${user} · ${state}${status.unsent ? ` · ${status.unsent} unsent` : ""}`;
    $2("status").dataset.state = status.state;
  }
  const all = replica.tasks({ sort: "-created_at" });
  drawFilters(all);
  const wanted = filters();
  const chosen = new Set(choose(all, wanted).map((task) => task.id));
  const edited = [...rows].filter(([, row]) => row.edited);
  const kept = all.filter(({ id }) => chosen.has(id) || edited.some(([other]) => other === id));
  const gone = edited.filter(([id]) => !kept.some((task) => task.id === id)).map(([id, row]) => ({ ...row.task, id }));
  const shown = choose([...kept, ...gone], { sort: wanted.sort });
  const open = all.filter((task) => !task.completed).length;
  const filtered = Object.entries(wanted).some(([name, value]) => name !== "sort" && name !== "completed" && value);
  $2("count").textContent = filtered ? `${chosen.size} of ${all.length} shown` : all.length ? `${open} of ${all.length} open` : "";
  $2("none").textContent = all.length ? "No task is like that." : "Nothing here.";
  $2("none").hidden = shown.length > 0;
  drawRows(shown);
}
function drawRows(shown) {
  const focus = document.activeElement;
  const place = [...$2("tasks").children].findIndex((row) => row.contains(focus));
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
    const next = after ? after.nextElementSibling : $2("tasks").firstElementChild;
    if (next !== row) $2("tasks").insertBefore(row, next);
    after = row;
  }
  if (place < 0 || document.activeElement === focus) return;
  const instead = $2("tasks").children[Math.min(place, shown.length - 1)]?.querySelector(".done") ?? $2("title");
  (focus.isConnected ? focus : instead).focus();
}
function drawFilters(tasks2) {
  const tags = tagsOf(tasks2);
  const chosen = $2("tag").value;
  const offered = JSON.stringify(tags);
  if (offered !== $2("known").dataset.offered) {
    $2("known").dataset.offered = offered;
    $2("known").replaceChildren(...tags.map((tag) => new Option("", tag)));
    if (chosen && !tags.includes(chosen)) tags.push(chosen);
    $2("tag").replaceChildren(new Option("Any", ""), ...tags.map((tag) => new Option(tag, tag, false, tag === chosen)));
  }
  const set = ["priority", "tag", "due"].filter((id) => $2(id).value).length;
  $2("set").textContent = `Filter and sort${set ? ` (${set})` : ""}`;
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
  const now = /* @__PURE__ */ new Date();
  const about = [];
  const add = (name, text2, title) => about.push(Object.assign(document.createElement("em"), { className: name, textContent: text2, title: title ?? "" }), " ");
  const late = task.due_date && !task.completed && isOverdue(task.due_date, now);
  if (task.due_date) add(late ? "due late" : "due", `${late ? "Overdue" : "Due"} ${describe(task.due_date, now)}`, task.due_date);
  if (task.priority !== "medium") add(`priority ${task.priority}`, task.priority === "high" ? "High priority" : "Low priority");
  for (const tag of task.tags) add("tag", `#${tag}`);
  find(".text .about").replaceChildren(...about);
}
function notify(text2, act, action, ms) {
  const notice = $2("notice").content.firstElementChild.cloneNode(true);
  const done = () => notice.remove();
  notice.querySelector("p").textContent = text2;
  notice.querySelector(".act").textContent = act ?? "";
  notice.querySelector(".act").hidden = !act;
  notice.querySelector(".act").addEventListener("click", () => {
    action();
    done();
  });
  notice.querySelector(".dismiss").addEventListener("click", done);
  $2("notices").append(notice);
  if (ms) setTimeout(done, ms);
}
function titleOf(fields, task) {
  return fields?.title ?? task?.title ?? "A task";
}
function count(n, thing) {
  return `${n} ${thing}${n === 1 ? "" : "s"}`;
}
setInterval(draw, 6e4);
clearAdding();
useFiles(() => client, notify);
var last = JSON.parse(sessionStorage.getItem("docket"));
if (last) enter(last.user, last.token);
else $2("who").focus();
