// Starts Docket servers and networks in front of them that can be cut.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const root = new URL("../../..", import.meta.url).pathname;
let binary = process.env.DOCKET;
const started = [];

/** Starts a server with an empty database, which ends with the tests, and returns its address. */
export async function startServer(env = {}) {
  const dir = mkdtempSync(join(tmpdir(), "docket-client-"));
  if (!binary) {
    binary = join(dir, "docket");
    execFileSync("go", ["build", "-o", binary, "./cmd/docket"], { cwd: root, stdio: "inherit" });
  }
  const child = spawn(binary, ["serve"], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir, HOST: "127.0.0.1", PORT: "0", LOG_FORMAT: "json", DRAIN_DELAY: "0s", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  started.push(async () => {
    child.kill();
    await ended;
    rmSync(dir, { recursive: true });
  });
  let log = "";
  const url = await new Promise((resolve, reject) => {
    child.stderr.on("data", (part) => {
      log = (log + part).slice(-10_000);
      const found = log.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    });
    void ended.then(() => reject(new Error(`docket ended:\n${log}`)));
  });
  return { url, dir, binary };
}

after(async () => {
  await Promise.all(started.map((stop) => stop()));
});

/** Returns a user that no other test has. */
export const newUser = (() => {
  let n = 0;
  return (name = "user") => `${name}-${process.pid}-${++n}`;
})();

/** Waits until condition returns something true, and returns it. */
export async function eventually(what, condition) {
  for (let tries = 0; ; tries++) {
    const got = await condition();
    if (got) return got;
    if (tries === 6000) throw new Error(`not in a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Returns a port that nothing listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
