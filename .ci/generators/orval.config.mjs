export default {
  docket: { input: "../../openapi.yaml", output: { target: "generated/orval.ts", client: "fetch" } },
};
