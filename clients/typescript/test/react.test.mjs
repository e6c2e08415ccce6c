// The hooks where there is no browser: what a server renders, and that nothing else is touched.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement } from "react";
import { renderToString } from "react-dom/server";

test("a server renders no tasks, and touches nothing of a browser", async () => {
  const touched = [];
  for (const name of ["window", "document", "navigator", "indexedDB", "localStorage", "BroadcastChannel", "fetch", "addEventListener"]) {
    Object.defineProperty(globalThis, name, { get: () => void touched.push(name), configurable: true });
  }
  const { createClient } = await import("docket-client");
  const { createReplica, indexedDBStorage } = await import("docket-client/replica");
  const { DocketProvider, useReplica, useSync, useTask, useTasks } = await import("docket-client/react");
  const replica = createReplica({ client: createClient({ baseUrl: "https://tasks.example.com", user: "ada" }), storage: indexedDBStorage() });
  function Page() {
    assert.equal(useReplica(), replica);
    return createElement("p", null, `${useTasks({ status: "pending" }).length} ${useTask("x")} ${useSync().state}`);
  }
  const html = renderToString(createElement(DocketProvider, { replica }, createElement(Page)));
  assert.equal(html, "<p>0 undefined connecting</p>");
  assert.deepEqual(touched, []);
  assert.throws(() => renderToString(createElement(Page)), /DocketProvider/);
});
