// Where the server is served on its origin, which may be shared with others: "/docket/".
const here = `docket${new URL("..", import.meta.url).pathname}`;

// openStore returns what a window keeps about a user, in localStorage.
//
// Windows of one browser share localStorage, so each has a place of its own, held by
// a Web Lock as long as the window lives. A window that opens takes over what
// closed ones had not sent.
export async function openStore(user) {
  const prefix = `${here}${encodeURIComponent(user)}/`;
  let place = 0;
  let close;
  while (!(close = await claim(prefix + place))) place++;
  const own = `${prefix}${place}/`;
  const read = (name) => JSON.parse(localStorage.getItem(name));

  for (const name of Object.keys(localStorage)) {
    const place = name.startsWith(prefix) && name.slice(prefix.length).match(/^(\d+)\/outbox$/)?.[1];
    const other = prefix + place;
    if (!place || `${other}/` === own) continue;
    const release = await claim(other);
    if (!release) continue;
    localStorage.setItem(`${own}outbox`, JSON.stringify([...(read(`${own}outbox`) ?? []), ...(read(name) ?? [])]));
    localStorage.removeItem(name);
    localStorage.removeItem(`${other}/copy`);
    release();
  }

  return {
    load: (name) => read(own + name),
    save: (name, value) => localStorage.setItem(own + name, JSON.stringify(value)),
    remove: (name) => localStorage.removeItem(own + name),
    close,
  };
}

// claim returns what releases the lock, or null if another window has it.
function claim(name) {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => lock && new Promise((release) => resolve(release)))
      .then(() => resolve(null), reject);
  });
}
