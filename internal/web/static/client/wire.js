// What goes over the wire.

// Refused means that no attempt will do better without another user.
export class Refused extends Error {}

// Unauthorized means that no attempt will do better without another token than that
// of access.
export class Unauthorized extends Error {}

// call returns an answer: a success, or a problem that repeating would not mend. It
// throws for all others, with retryAfter in seconds if the server says when to repeat.
export async function call(url, access, { headers, ...options }) {
  const authorization = access.token ? { Authorization: `Bearer ${access.token}` } : {};
  const response = await fetch(url, { ...options, headers: { ...authorization, ...headers }, cache: "no-store" });
  if (response.ok) return response;
  const type = response.headers.get("Content-Type") ?? "";
  const problem = type.startsWith("application/problem+json") ? await response.clone().json() : {};
  if (response.status === 401 || ["/problems/forbidden", "/problems/insufficient-scope"].includes(problem.type)) {
    throw Object.assign(new Unauthorized(problem.detail ?? "The server asks for another token."), { access });
  }
  if (problem.type === "/problems/untrusted-origin") throw new Refused(problem.detail);
  const inFlight = problem.type === "/problems/idempotency-key-in-flight";
  if (!problem.type || response.status >= 500 || response.status === 408 || response.status === 429 || inFlight) {
    throw Object.assign(new Error(problem.detail ?? response.statusText), { retryAfter: Number(response.headers.get("Retry-After")) });
  }
  return response;
}

// request returns how a change is sent: the same bytes, however often.
export function request({ kind, id, key, version, fields }) {
  const headers = { "Idempotency-Key": key };
  if (version !== undefined && kind !== "restore") headers["If-Match"] = `"${version}"`;
  if (fields) headers["Content-Type"] = kind === "create" ? "application/json" : "application/merge-patch+json";
  const body = fields && JSON.stringify(fields);
  switch (kind) {
    case "create":
      return ["POST", "/tasks", { headers, body }];
    case "update":
      return ["PATCH", `/tasks/${id}`, { headers, body }];
    case "delete":
      return ["DELETE", `/tasks/${id}`, { headers }];
    case "restore":
      return ["POST", `/tasks/${id}/restore`, { headers }];
  }
}

// read yields the events of a stream, and an empty one for each comment.
export async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part; !(part = await reader.read()).done; ) {
    const blocks = (text + part.value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
  }
}
