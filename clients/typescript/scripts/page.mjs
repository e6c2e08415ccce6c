// Builds the page at /: docket.js is this package, app.js the page that uses it.
import { build } from "esbuild";

const out = process.argv[2] ?? new URL("../../../internal/web/static/client/", import.meta.url).pathname;
const common = { bundle: true, format: "esm", target: "es2022", charset: "utf8", legalComments: "none", logLevel: "error", absWorkingDir: new URL("..", import.meta.url).pathname };
const note = (from) => ({ js: `// Built from ${from} by scripts/page.mjs. Do not edit.` });

await build({
  ...common,
  stdin: { contents: 'export * from "./src/index.ts"; export * from "./src/replica/index.ts";', resolveDir: common.absWorkingDir, loader: "ts" },
  outfile: `${out}/docket.js`,
  banner: note("clients/typescript/src"),
});
await build({
  ...common,
  entryPoints: ["page/app.js"],
  outfile: `${out}/app.js`,
  banner: note("clients/typescript/page"),
  plugins: [{ name: "package", setup: (b) => b.onResolve({ filter: /^docket-client(\/replica)?$/ }, () => ({ path: "./docket.js", external: true })) }],
});
