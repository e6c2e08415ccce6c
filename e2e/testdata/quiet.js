// quiet has a replica follow streams of which the first say nothing: one with headers
// only, and one of which not even those arrive. It returns the state of the replica
// and the requests at each step. Waits of more than 30 s end at once.
async function quiet(user) {
  const { Replica } = await import("/client/sync.js");
  const [network, timeout] = [window.fetch, window.setTimeout];
  const requests = [];
  const streams = []; // resolves the answer of each
  const waits = []; // those of more than 30 s that have not ended
  window.setTimeout = (end, ms, ...rest) => (ms > 30_000 ? -waits.push(end) : timeout(end, ms, ...rest));
  window.fetch = (url, options) => {
    requests.push(new URL(url).pathname.split("/").pop() + new URL(url).search.replace(/since=.*/, "since"));
    if (!url.endsWith("/events")) return network(url, options);
    return new Promise((resolve, reject) => {
      options.signal.addEventListener("abort", () => reject(options.signal.reason));
      streams.push((text) => {
        const body = new ReadableStream({
          start(controller) {
            if (text) controller.enqueue(new TextEncoder().encode(text));
            options.signal.addEventListener("abort", () => controller.error(options.signal.reason));
          },
        });
        resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
      });
    });
  };
  const until = async (what) => {
    for (let tries = 0; !what(); tries++) {
      if (tries === 3000) throw new Error(`not in time: ${what}; ${requests}`);
      await new Promise((resolve) => timeout(resolve, 10));
    }
  };
  const replica = new Replica(user, undefined, { load: () => null, save: () => {}, remove: () => {} });
  const seen = [];
  const step = (what) => seen.push(`${what}: ${replica.state}, ${replica.view().length} tasks, ${requests.splice(0)}`);
  const make = (title) => network(`/api/${user}/tasks`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ title }) });
  const endWaits = () => waits.splice(0).forEach((end) => end());

  replica.run();
  await until(() => streams.length === 1);
  streams[0]("");
  await new Promise((resolve) => timeout(resolve, 0)); // the headers have arrived
  step("headers");
  await make("while the stream is quiet");
  endWaits();
  await until(() => streams.length === 2);
  step("quiet");
  await make("while there are no headers");
  endWaits();
  await until(() => streams.length === 3);
  step("no headers");
  streams[2](": heartbeat\n\n");
  await until(() => replica.state === "live");
  step("a block");
  replica.close();
  [window.fetch, window.setTimeout] = [network, timeout];
  return seen;
}
