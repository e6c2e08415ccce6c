// Streams pass a rewrite of Next.js, which compresses and holds back what it may.
import assert from "node:assert/strict";
import { execSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually, freePort, startServer } from "../../clients/typescript/test/server.mjs";

const example = new URL(".", import.meta.url).pathname;
const app = mkdtempSync(join(example, ".rewrite-")); // below the example, whose packages it uses
let next;

after(async () => {
  if (next) {
    next.kill();
    await once(next, "exit");
  }
  rmSync(app, { recursive: true });
});

test("an event arrives through a rewrite", { timeout: 180_000 }, async () => {
  const { url } = await startServer();
  const files = {
    "package.json": '{"private":true,"type":"module"}',
    "next.config.mjs": `export default {
      rewrites: async () => [{ source: "/backend/:path*", destination: "${url}/:path*" }],
      turbopack: { root: ${JSON.stringify(example)} },
    };`,
    "app/layout.jsx": "export default function Layout({ children }) { return <html lang=\"en\"><body>{children}</body></html>; }",
    "app/page.jsx": "export default function Page() { return <p>Tasks</p>; }",
  };
  mkdirSync(join(app, "app"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(app, name), text);
  const options = { cwd: app, env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" }, stdio: ["ignore", "ignore", "inherit"] };
  execSync("npm install --no-audit --no-fund --loglevel=error", { ...options, cwd: example });
  execSync("../node_modules/.bin/next build", options);
  const port = await freePort();
  next = spawn("../node_modules/.bin/next", ["start", "--port", String(port)], options);
  const base = `http://127.0.0.1:${port}/backend`;
  await eventually("Next.js serves", () => fetch(`${base}/healthz`).then((response) => response.ok, () => false));

  const stream = await fetch(`${base}/api/alice/events`, { headers: { "Accept-Encoding": "gzip, br" } });
  assert.equal(stream.status, 200);
  const made = await fetch(`${base}/api/alice/tasks`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"title": "Through Next.js"}' });
  assert.equal(made.status, 201);
  const sent = performance.now();
  let text = "";
  for await (const part of stream.body.pipeThrough(new TextDecoderStream())) {
    if ((text += part).includes("Through Next.js")) break;
  }
  assert.match(text, /event: task/);
  console.log(`an event arrived through Next.js ${Math.round(performance.now() - sent)} ms after the answer to its write`);
});
