"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { authClient } from "../lib/auth-client";

export function SignIn() {
  const router = useRouter();
  const [isNew, setNew] = useState(false);
  const [fault, setFault] = useState("");

  async function enter(form: FormData) {
    const [name, email, password] = ["name", "email", "password"].map((field) => String(form.get(field) ?? ""));
    const { error } = isNew ? await authClient.signUp.email({ name, email, password }) : await authClient.signIn.email({ email, password });
    if (error) return setFault(error.message ?? "That did not work.");
    router.refresh();
  }

  return (
    <form className="card" onSubmit={(event) => (event.preventDefault(), void enter(new FormData(event.currentTarget)))}>
      <h1>{isNew ? "Sign up" : "Sign in"}</h1>
      {isNew && <label>Name <input name="name" required autoComplete="name" /></label>}
      <label>E-mail <input name="email" type="email" required autoComplete="email" /></label>
      <label>Password <input name="password" type="password" required minLength={8} autoComplete={isNew ? "new-password" : "current-password"} /></label>
      {fault && <p role="alert">{fault}</p>}
      <button>{isNew ? "Sign up" : "Sign in"}</button>
      <button type="button" className="plain" onClick={() => setNew(!isNew)}>{isNew ? "I have an account" : "I am new here"}</button>
    </form>
  );
}
