const TICK_MS = 10;

/**
 * Time as this process experiences it: while the machine has no time for it, none passes. So a limit on it says something
 * of the code, and not of how busy the machine is.
 */
export class LoopClock {
  #ticks = 0;
  readonly #timer = setInterval(() => {
    this.#ticks++;
  }, TICK_MS);

  /** Milliseconds, in steps. */
  now(): number {
    return this.#ticks * TICK_MS;
  }

  /** Resolves after so much of that time, unless `cancelled` says by then that nobody waits any more. */
  async sleep(ms: number, cancelled: () => boolean): Promise<void> {
    const until = this.now() + ms;
    while (this.now() < until && !cancelled()) await new Promise((resolve) => void setTimeout(resolve, 100));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
