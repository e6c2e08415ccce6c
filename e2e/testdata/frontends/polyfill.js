// A page that listens with event-source-polyfill. It resumes by ?lastEventId=, which
// needs no preflight.

const heard = [];
let opened = 0;

function listen(url) {
  const source = new EventSourcePolyfill(url);
  source.addEventListener("open", () => opened++);
  source.addEventListener("task", ({ data }) => heard.push(JSON.parse(data).title));
}
