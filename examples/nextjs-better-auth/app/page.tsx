import { headers } from "next/headers";
import { auth } from "../lib/auth";
import { TasksOf } from "../lib/tasks";
import { SignIn } from "./sign-in";
import { Tasks } from "./tasks";

export default async function Page() {
  const session = await auth.api.getSession({ headers: await headers() });
  if (!session) return <SignIn />;
  return (
    <TasksOf key={session.user.id} baseUrl={process.env.DOCKET_URL!} user={session.user.id}>
      <Tasks name={session.user.name} />
    </TasksOf>
  );
}
