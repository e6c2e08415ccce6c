/** One block of a stream of Server-Sent Events. A comment is one without members. */
export interface Block {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
}

/** Yields the blocks of a stream, and an empty one for each comment. */
export async function* blocks(body: ReadableStream<Uint8Array>): AsyncGenerator<Block> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  try {
    let text = "";
    for (let part; !(part = await reader.read()).done; ) {
      const whole = (text + part.value).split("\n\n");
      text = whole.pop()!;
      for (const block of whole) yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
