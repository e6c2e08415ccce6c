// Checks what each door costs, minified and gzipped, with all that it imports.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const doors = [
  ["docket-client", "dist/index.js", 4],
  ["docket-client/replica", "dist/replica/index.js", 10],
  ["docket-client/react", "dist/react/index.js", 2],
];
let failed = false;
for (const [name, entry, most] of doors) {
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, minify: true, format: "esm", external: ["react"], write: false, logLevel: "error" });
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  console.log(`${name}: ${size} bytes of at most ${most * 1000}`);
  failed ||= size > most * 1000;
}
process.exit(failed ? 1 : 0);
