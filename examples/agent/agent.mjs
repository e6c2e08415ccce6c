// A small agent: a loop in which a model calls Docket's tools until it has an answer.

/** Connects to an MCP server, such as http://127.0.0.1:8000/api/alice/mcp, with or without a token. */
export function connect(url, token) {
  let last = 0;
  async function call(method, params = {}) {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-06-18",
        ...(token && { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: ++last, method, params }),
    });
    const answer = await response.json();
    if (answer.error || !response.ok) throw new Error(answer.error?.message ?? answer.detail);
    return answer.result;
  }
  return {
    /** What a model is told about the tools: name, description, inputSchema. */
    tools: async () => (await call("tools/list")).tools,
    /** The answer of a tool as text. A call that was wrong is a text too, which says what to send instead. */
    async use(name, input) {
      const { content, isError = false } = await call("tools/call", { name, arguments: input });
      return { isError, text: content.map(({ text }) => text).join("\n") };
    },
  };
}

/**
 * Lets a model work on a request. A model is a function of the conversation and the tools: it
 * returns { say } to end, or { call, input } to use a tool. Returns the conversation.
 */
export async function run(model, server, request, most = 20) {
  const tools = await server.tools();
  const conversation = [{ role: "user", text: request }];
  for (let turn = 0; turn < most; turn++) {
    const { say, call, input } = await model(conversation, tools);
    if (say !== undefined) return [...conversation, { role: "model", text: say }];
    conversation.push({ role: "model", call, input }, { role: "tool", ...(await server.use(call, input)) });
  }
  throw new Error(`The model has no answer after ${most} turns.`);
}
