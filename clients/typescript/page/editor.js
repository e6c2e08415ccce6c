// A form in which the fields of a task are edited.
import { dayOf, dueAt, timeOf } from "./due.js";

const MOST = 20; // tags of a task
const LONGEST = 50; // characters of a tag

export class Editor {
  #at;
  #task; // as it was shown
  #shown; // what the inputs held then: they cannot hold all that a task can
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
    // Enter adds the tag that is there; the next one submits the form.
    const enter = (event) => {
      if (document.activeElement !== tag || !tag.value.trim()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#takeTag();
    };
    form.addEventListener("submit", enter, { capture: true });
  }

  show(task) {
    this.#task = task;
    this.#tags = task.tags;
    this.#drawTags();
    const due = task.due_date ?? "";
    const inputs = { title: task.title, description: task.description ?? "", priority: task.priority, date: dayOf(due), time: timeOf(due), tag: "" };
    for (const [name, value] of Object.entries(inputs)) this.#at(`.${name}`).value = value;
    this.#at(".time").step = timeOf(due).length > 5 ? 1 : 60; // seconds are shown where there are some
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
    if (!now.title.trim() || !this.#takeTag()) return undefined;
    const changed = (name) => now[name] !== this.#shown[name];
    const fields = {};
    if (changed("title")) fields.title = now.title.trim();
    if (changed("description")) fields.description = now.description || null;
    if (changed("priority")) fields.priority = now.priority;
    if (changed("date") || changed("time")) fields.due_date = dueAt(now.date, now.time, this.#task.due_date);
    if (this.#tags.join("\0") !== this.#task.tags.join("\0")) fields.tags = this.#tags;
    return fields;
  }

  // takeTag adds what is in the input, with commas between several tags.
  #takeTag() {
    const input = this.#at(".tag");
    const names = input.value.split(",").map((name) => name.trim()).filter(Boolean);
    const tags = [...new Set([...this.#tags, ...names])];
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
}
