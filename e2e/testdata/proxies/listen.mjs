// Listens to the stream of events at the URL in the argument with the package
// eventsource, and writes the title of each task to the standard output. It ends when
// the standard input does.
import { EventSource } from "eventsource";

process.stdin.on("close", () => process.exit()).resume();
const source = new EventSource(process.argv[2]);
source.addEventListener("open", () => console.log("open"));
source.addEventListener("task", ({ data }) => console.log(`task ${JSON.parse(data).title}`));
