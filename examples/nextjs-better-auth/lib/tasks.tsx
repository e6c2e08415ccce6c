"use client";

import { createClient } from "docket-client";
import { DocketProvider } from "docket-client/react";
import { createReplica, indexedDBStorage, type Replica } from "docket-client/replica";
import { useEffect, useState, type ReactNode } from "react";
import { authClient } from "./auth-client";

function openReplica(baseUrl: string, user: string): Replica {
  const token = async () => {
    const { data, error } = await authClient.token();
    if (error) throw new Error(error.message);
    return data.token;
  };
  return createReplica({ client: createClient({ baseUrl, user, token }), storage: indexedDBStorage() });
}

/** Gives the tasks of a user to the hooks below it. */
export function TasksOf({ baseUrl, user, children }: { baseUrl: string; user: string; children: ReactNode }) {
  const [replica] = useState(() => openReplica(baseUrl, user));
  useEffect(() => () => void replica.close(), [replica]);
  return <DocketProvider replica={replica}>{children}</DocketProvider>;
}
