import { isMainThread } from 'node:worker_threads';

/** What an SDK may still take to send what it holds, when the process would otherwise be gone. */
const FLUSH_MS = 1_500;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Has `shutdown` run once when the process ends by itself or by a signal, without changing how it ends: the exit code,
 * the signal, the app's own listeners and, but for a moment to flush, the time.
 */
export function flushOnExit(shutdown: () => Promise<void>): void {
  let flushed: Promise<'done' | 'late'> | undefined;
  const flush = () => {
    flushed ??= withDeadline(shutdown, FLUSH_MS);
    return flushed;
  };
  process.once('beforeExit', () => {
    // Nothing was left to run but the listeners of this event. If ours is the only one, what holds the process after the
    // deadline is the flush itself.
    const alone = process.listenerCount('beforeExit') === 0;
    void flush().then((state) => {
      if (state === 'late' && alone && isMainThread) process.exit();
    });
  });
  if (!isMainThread) return; // signals are the main thread's
  for (const signal of SIGNALS) {
    // First in line: others (signal-exit, for one) re-raise the signal only if they find no listener but their own, and
    // by then ours is gone.
    process.prependOnceListener(signal, () => {
      // Node's default, death by the signal, ended when we began to listen. With another listener the end is the app's
      // business. A second signal while we flush finds no listener and kills at once.
      const alone = process.listenerCount(signal) === 0;
      void flush().then(() => {
        if (alone) process.kill(process.pid, signal);
      });
    });
  }
}

function withDeadline(shutdown: () => Promise<void>, ms: number): Promise<'done' | 'late'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), ms);
    const done = () => {
      clearTimeout(timer);
      resolve('done');
    };
    // An exporter that fails says so through `diag`.
    Promise.resolve().then(shutdown).then(done, done);
  });
}
