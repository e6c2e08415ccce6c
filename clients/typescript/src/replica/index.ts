export { createReplica, type Conflict, type Refusal, type Replica, type ReplicaEvents, type ReplicaOptions, type Status } from "./replica.js";
export { select, type LiveQuery } from "./query.js";
export { apply, merge, normalize, reconcile, type Change, type Clash, type Known, type Verdict, type View } from "./rules.js";
export { indexedDBStorage, memoryStorage, type Entry, type Storage } from "./storage.js";
export type { State } from "./sync.js";
