import { createContext, createElement, useContext, useEffect, useSyncExternalStore, type ReactNode } from "react";
import type { LiveQuery, Replica, Status, View } from "../replica/index.js";

const Context = createContext<Replica | undefined>(undefined);
const NONE: readonly View[] = [];
const CONNECTING: Status = { state: "connecting", unsent: 0 };

/** Gives a replica to the hooks below it, and starts it in the browser. */
export function DocketProvider({ replica, children }: { replica: Replica; children?: ReactNode }) {
  useEffect(() => replica.start(), [replica]);
  return createElement(Context.Provider, { value: replica }, children);
}

/** The replica of the nearest DocketProvider. */
export function useReplica(): Replica {
  const replica = useContext(Context);
  if (!replica) throw new Error("useReplica needs a DocketProvider above it.");
  return replica;
}

/** The tasks of a query, live. A server renders none. */
export function useTasks(query: LiveQuery = {}): readonly View[] {
  const replica = useReplica();
  return useSyncExternalStore(replica.subscribe, () => replica.tasks(query), () => NONE);
}

/** One task, live. A server renders none. */
export function useTask(id: string): View | undefined {
  const replica = useReplica();
  return useSyncExternalStore(replica.subscribe, () => replica.get(id), () => undefined);
}

/** How far the replica is in step with the server. A server renders "connecting". */
export function useSync(): Status {
  const replica = useReplica();
  return useSyncExternalStore(replica.subscribe, () => replica.status, () => CONNECTING);
}
