/** How long an app that is in use may take to bring what is missing. */
const PATIENCE_MS = 10_000;

/**
 * Says something only if, some seconds after the first call or when the process ends, it is still true: an app may have
 * what is missing set up by its own code, later. A process that makes no call is told nothing.
 */
export function reportUnless(
  settled: () => boolean,
  say: () => void,
  whenUsed: (task: () => void) => void = (task) => task(),
): void {
  whenUsed(() => {
    const decide = (): void => {
      clearTimeout(timer);
      process.removeListener('exit', decide);
      try {
        if (!settled()) say();
      } catch {
        // Nobody is there to hear of it, and the app must not.
      }
    };
    const timer = setTimeout(decide, PATIENCE_MS);
    timer.unref();
    process.once('exit', decide);
  });
}
