// Opens replicas on a server of their own, behind networks that can be cut.
import { createClient } from "docket-client";
import { createReplica, memoryStorage } from "docket-client/replica";
import { eventually, newUser, startServer } from "./server.mjs";

export const server = await startServer();

/** A network that can be switched off; on calls what the test wants to see of each request. */
export function openNetwork(on = () => {}) {
  const network = {
    off: false,
    requests: [],
    streams: new Set(),
    cut() {
      for (const end of network.streams) end.abort(new TypeError("cut"));
      network.streams.clear();
    },
    attempts: 0,
    fetch: async (url, options) => {
      network.attempts++;
      if (network.off) throw new TypeError("fetch failed");
      network.requests.push(`${options.method} ${new URL(url).pathname.split("/").slice(3).join("/")}`);
      const answer = await on(url, options);
      if (answer) return answer;
      const end = new AbortController();
      network.streams.add(end);
      return fetch(url, { ...options, signal: AbortSignal.any([end.signal, options.signal].filter(Boolean)) });
    },
  };
  return network;
}

export function open({ user = newUser(), network = openNetwork(), storage = memoryStorage(), ...more } = {}) {
  const client = createClient({ baseUrl: server.url, user, fetch: network.fetch, ...more });
  const replica = createReplica({ client, storage });
  const told = { conflict: [], refused: [], storage: [] };
  for (const name of Object.keys(told)) replica.on(name, (detail) => told[name].push(detail));
  return { user, network, storage, client, replica, told, direct: createClient({ baseUrl: server.url, user }) };
}

export const live = (replica) => eventually("it is live", () => replica.status.state === "live");
export const titles = (replica, query) => replica.tasks(query).map(({ title }) => title);
