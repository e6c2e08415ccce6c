// Starts Docket, and Next.js beside it. Both end with this program.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const { PORT = "3000", DOCKET_PORT = "8000", DATA = ".", DOCKET } = process.env;
const url = `http://localhost:${PORT}`;
const secret = `${DATA}/.secret`; // of Better Auth's sessions
if (!existsSync(secret)) writeFileSync(secret, randomBytes(32).toString("base64"), { mode: 0o600 });

process.env.BETTER_AUTH_URL = url;
process.env.BETTER_AUTH_SECRET = readFileSync(secret, "utf8");
process.env.USERS_DATABASE = `file:${DATA}/users.db`;
process.env.DOCKET_URL = `http://localhost:${DOCKET_PORT}`;
process.env.NEXT_TELEMETRY_DISABLED = "1";

const children = [];
let stopping = false;
function start(command, args, env = {}) {
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code && !stopping ? reject(new Error(`${command} ended with ${code}`)) : resolve()));
  });
}
function stop() {
  stopping = true;
  for (const child of children) child.kill();
}
process.once("SIGINT", stop).once("SIGTERM", stop);

const [command, ...args] = DOCKET ? [DOCKET] : ["go", "run", "../../cmd/docket"];
const docket = start(command, args, { HOST: "127.0.0.1", PORT: DOCKET_PORT, CORS_ORIGINS: url, DATABASE_URL: `sqlite:${DATA}/tasks.db` });
const next = start("node_modules/.bin/next", [process.env.NODE_ENV === "production" ? "start" : "dev", "--port", PORT]);
await Promise.race([docket, next]).finally(stop);
