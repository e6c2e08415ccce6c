declare const process: { argv: [string, string, string] };

// server is the address of the server to try.
export const server = process.argv[2];

// check throws what is not as it should be.
export function check(good: boolean, got: unknown): asserts good {
  if (!good) throw new Error(JSON.stringify(got));
}
