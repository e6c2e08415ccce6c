// The operations in the order of the contract. Swagger UI would sort the
// methods of a path, and show all of them before the next path.
const order = [
  "listTasks", "createTask", "getTask", "updateTask", "patchTask", "completeTask", "deleteTask", "restoreTask",
  "batch", "listChanges", "streamEvents", "eraseUser", "healthz", "readyz",
];
const place = (operation) => order.indexOf(operation.getIn(["operation", "operationId"]));

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null, // the validator is a service on the internet
  persistAuthorization: true,
  operationsSorter: (a, b) => place(a) - place(b),
});
