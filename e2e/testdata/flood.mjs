// node flood.mjs URL CONNECTIONS: sends the same POST on every connection as fast
// as it is answered, until stdin ends and one was refused; then prints how often
// each status came.
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
  // On a busy machine this process may not have had its turn yet.
  const begun = Date.now();
  const timer = setInterval(() => {
    if (!statuses[429] && Date.now() - begun < 30_000) return;
    clearInterval(timer);
    going = false;
    console.log(JSON.stringify(statuses));
    process.exit();
  }, 10);
});
