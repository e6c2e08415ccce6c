// Writes src/schema.ts from openapi.yaml: the schemas, and what lists can be asked for.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import yaml from "js-yaml";

const contract = yaml.load(await readFile(new URL("../../../openapi.yaml", import.meta.url), "utf8"));
const list = contract.paths["/api/{user_id}/tasks"].get.parameters
  .map((parameter) => (parameter.$ref ? contract.components.parameters[parameter.$ref.split("/").pop()] : parameter))
  .filter(({ in: place, deprecated, name }) => place === "query" && (!deprecated || name === "status"));
contract.components.schemas.ListQuery = {
  type: "object",
  properties: Object.fromEntries(list.map(({ name, schema, description }) => [name, { description, ...schema, default: undefined }])),
};
const kept = { openapi: contract.openapi, info: contract.info, paths: {}, components: { schemas: contract.components.schemas } };
const text = astToString(await openapiTS(kept)).replace(/export type (paths|webhooks|\$defs|operations) = .*\n/g, "");
await writeFile(process.argv[2] ?? new URL("../src/schema.ts", import.meta.url), `// Made from openapi.yaml by scripts/types.mjs. Do not edit.\n${text}`);
