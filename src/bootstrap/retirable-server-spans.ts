type Emit = (this: unknown, ...args: unknown[]) => boolean;

/** As shimmer, which OpenTelemetry's instrumentations patch with, marks its wrappers. */
interface Wrapper extends Emit {
  readonly __wrapped?: boolean;
  readonly __original?: Emit;
}

/**
 * Lets the wrapper, by which HttpInstrumentation makes a SERVER span of each incoming request, be passed by for good.
 * It has no other way to be: under another tracer's wrapper it cannot be taken off, and its own hook for requests to ignore
 * has everything inside them go untraced.
 */
export function makeServerSpansRetirable(retired: () => boolean): void {
  for (const name of ['node:http', 'node:https']) {
    // The instrumentation patches a builtin when it is required next.
    const holder = (require(name) as { Server: { prototype: { emit: Wrapper } } }).Server.prototype;
    const traced = holder.emit;
    if (traced.__wrapped !== true || traced.__original === undefined) continue;
    const plain = traced.__original;
    holder.emit = function emit(...args) {
      return Reflect.apply(retired() ? plain : traced, this, args);
    };
  }
}
