/** A clock that stands still until advance moves it. */
export class TestClock {
  #now = Date.now();
  #timers = new Map();
  #last = 0;
  now = () => this.#now;
  setTimeout = (run, ms) => {
    this.#timers.set(++this.#last, { at: this.#now + ms, run });
    return this.#last;
  };
  clearTimeout = (timer) => void this.#timers.delete(timer);
  get waiting() {
    return this.#timers.size;
  }
  /** Moves on, stopping at each timer so that what it starts can happen. */
  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
      const next = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next || next[1].at > end) break;
      this.#now = Math.max(this.#now, next[1].at);
      this.#timers.delete(next[0]);
      next[1].run();
    }
    this.#now = end;
  }
}
