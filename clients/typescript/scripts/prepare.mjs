// Compiles the package, also where only its folder is given to npm.
import { execSync } from "node:child_process";
import { existsSync } from "node:fs";

const run = (command) => execSync(command, { cwd: new URL("..", import.meta.url), stdio: "inherit" });
if (!existsSync(new URL("../node_modules/typescript", import.meta.url))) run("npm ci --ignore-scripts");
run("node_modules/.bin/tsc -p .");
