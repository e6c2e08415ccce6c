"use client";

import { useReplica, useSync, useTasks } from "docket-client/react";
import type { Conflict, View } from "docket-client/replica";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { authClient } from "../lib/auth-client";

export function Tasks({ name }: { name: string }) {
  const replica = useReplica();
  const router = useRouter();
  const [q, setQuery] = useState("");
  const [open, setOpen] = useState(false); // whether only open tasks are shown
  const tasks = useTasks({ sort: "due_date", ...(q.trim() && { q: q.trim() }), ...(open && { status: "pending" as const }) });

  function add(event: React.FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [title, due, tags] = ["title", "due", "tags"].map((field) => String(form.get(field)).trim());
    replica.create({ title, due_date: due || null, tags: tags.split(",").map((tag) => tag.trim()).filter(Boolean) });
    event.currentTarget.reset();
  }

  async function leave() {
    await replica.close({ forget: true });
    await authClient.signOut();
    router.refresh();
  }

  return (
    <>
      <header>
        <h1>{name}’s tasks</h1>
        <State />
        <button className="plain" onClick={() => void leave()}>Sign out</button>
      </header>
      <form className="card" onSubmit={add}>
        <label>New task <input name="title" required maxLength={500} autoComplete="off" /></label>
        <div className="row">
          <label>Due <input name="due" type="date" /></label>
          <label className="wide">Tags <input name="tags" placeholder="home, phone" autoComplete="off" /></label>
          <button>Add</button>
        </div>
      </form>
      <div className="row">
        <label className="wide">Search <input type="search" value={q} maxLength={100} onChange={(event) => setQuery(event.target.value)} /></label>
        <label className="check"><input type="checkbox" checked={open} onChange={(event) => setOpen(event.target.checked)} /> Only open ones</label>
      </div>
      <ul>{tasks.map((task) => <Row key={task.id} task={task} />)}</ul>
      <Conflicts />
    </>
  );
}

function Row({ task }: { task: View }) {
  const replica = useReplica();
  return (
    <li className={task.unsent && "unsent"}>
      <label className="check">
        <input type="checkbox" checked={task.completed} onChange={() => replica.update(task.id, { completed: !task.completed })} />
        <span className={task.completed ? "done" : ""}>{task.title}</span>
      </label>
      <small>{[task.due_date, ...task.tags.map((tag) => `#${tag}`)].filter(Boolean).join(" ")}</small>
      <button className="plain" aria-label={`Delete ${task.title}`} onClick={() => replica.delete(task.id)}>✕</button>
    </li>
  );
}

function State() {
  const { state, unsent } = useSync();
  return <p role="status" data-state={state}>{unsent > 0 ? `${state}, ${unsent} unsent` : state}</p>;
}

function Conflicts() {
  const replica = useReplica();
  const [conflicts, setConflicts] = useState<Conflict[]>([]);
  useEffect(() => replica.on("conflict", (conflict) => setConflicts((before) => [...before, conflict])), [replica]);
  const done = (conflict: Conflict) => setConflicts((before) => before.filter((other) => other !== conflict));
  return conflicts.map((conflict, i) => (
    <p role="alert" key={i}>
      “{conflict.task?.title}” was changed elsewhere, too. <button className="plain" onClick={() => (conflict.keepMine(), done(conflict))}>Keep mine</button>{" "}
      <button className="plain" onClick={() => done(conflict)}>Keep theirs</button>
    </p>
  ));
}
