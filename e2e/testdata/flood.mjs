// node flood.mjs URL CONNECTIONS: sends the same POST on every connection as soon
// as the last one is answered, until standard input has ended and one was
// refused. Then it prints how many answers had each status.
import http from "node:http";

const [url, connections] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections) });
const body = '{"title": "flood"}';
const options = { method: "POST", agent, headers: { "Content-Type": "application/json", "Content-Length": body.length } };
const statuses = {};
let going = true;

function send() {
  const request = http.request(url, options, (answer) => {
    statuses[answer.statusCode] = (statuses[answer.statusCode] ?? 0) + 1;
    answer.resume().on("end", () => going && send());
  });
  request.on("error", () => going && send());
  request.end(body);
}
for (let i = 0; i < Number(connections); i++) send();
process.stdin.resume().on("end", () => {
  const timer = setInterval(() => {
    if (!statuses[429]) return;
    clearInterval(timer);
    going = false;
    console.log(JSON.stringify(statuses));
    process.exit();
  }, 10);
});
