type Wrapped = (...args: unknown[]) => unknown;

/** Under what names wrappers keep the function they wrap: shimmer, Sentry; New Relic and ourselves by a symbol. */
const ORIGINAL = /^(?:__original|__sentry_original__|original|resilience\.original)$/;

/** The marks of wrappers that keep nothing: Elastic APM's. */
const MARK = /^elasticAPMIsWrapped$/;

/** Sentry 8 hides its wrappers from OpenTelemetry, but has them go by the names of that one's. */
const NAME = /^outgoing(?:Get)?Request$/;

const MAX_CHAIN = 16;

const SELF: unique symbol = Symbol('resilience.original');

/** dd-trace keeps nothing either, but gives its wrapper all that the original has: so the wrapper leads to us as well. */
export function markOriginal(ours: Wrapped): void {
  Object.defineProperty(ours, SELF, { value: ours, configurable: true });
}

function nameOf(key: string | symbol): string {
  return typeof key === 'symbol' ? (key.description ?? '') : key;
}

function originalOf(wrapper: Wrapped): Wrapped | undefined {
  for (const key of Reflect.ownKeys(wrapper)) {
    if (!ORIGINAL.test(nameOf(key))) continue;
    const value: unknown = Object.getOwnPropertyDescriptor(wrapper, key)?.value;
    if (typeof value === 'function') return value as Wrapped;
  }
  return undefined;
}

function isMarked(wrapper: Wrapped): boolean {
  if (NAME.test(wrapper.name)) return true;
  return Object.getOwnPropertySymbols(wrapper).some((key) => MARK.test(nameOf(key)));
}

/** Whether `top` is a tracer's wrapper, or several, that ends in `bottom`. Mocks, which wrap nothing, are none. */
export function wraps(top: Wrapped, bottom: Wrapped): boolean {
  let current: Wrapped | undefined = top;
  for (let i = 0; i < MAX_CHAIN && current !== undefined; i++) {
    if (isMarked(current)) return true;
    current = originalOf(current);
    if (current === bottom) return true;
  }
  return false;
}
