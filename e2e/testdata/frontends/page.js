// What the pages share: run(api, user, token) is in the script of each. equal notes
// what a front-end got that differs from what it relies on.
const seen = { checks: 0, wrong: [] };

function equal(what, got, want) {
  seen.checks++;
  const [g, w] = [got, want].map((value) => JSON.stringify(value));
  if (g !== w) seen.wrong.push(`${what}: got ${g}, want ${w}`);
}

const titles = (tasks) => tasks.map((task) => task.title);
