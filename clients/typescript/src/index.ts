export { createClient, type ChangeOptions, type Client, type WriteOptions } from "./client.js";
export type { Clock } from "./clock.js";
export { DocketError, type Problem } from "./error.js";
export { uuidv7 } from "./id.js";
export type { Block } from "./stream.js";
export type { Token } from "./token.js";
export type { CallOptions, ClientOptions } from "./transport.js";
export type * from "./types.js";
