import { types } from 'node:util';

type Wrapped = (...args: unknown[]) => unknown;

/** Under what names wrappers keep the function they wrap: shimmer, Sentry; New Relic and ourselves by a symbol. */
const ORIGINAL = /^(?:__original|__sentry_original__|original|resilience\.original)$/;

/**
 * The marks of wrappers that keep nothing: Elastic APM's, which sends its own exports by the function it found, as that is
 * not traced.
 */
const MARK = /^elasticAPMIsWrapped$/;

/** Sentry 8 hides its wrappers from OpenTelemetry, but has them go by the names of that one's. */
const NAME = /^outgoing(?:Get)?Request$/;

/** What spies have: those of jest and vitest, of sinon, of node:test. */
const SPY_MARKS = ['mock', '_isMockFunction', 'isSinonProxy', 'restore'] as const;

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

/** Whether the maker of a wrapper sends its own calls by what was there before, and counts on their not being seen. */
export function keepsWhatItFound(wrapper: Wrapped): boolean {
  return Object.getOwnPropertySymbols(wrapper).some((key) => MARK.test(nameOf(key)));
}

function isMarked(wrapper: Wrapped): boolean {
  return NAME.test(wrapper.name) || keepsWhatItFound(wrapper);
}

/** Proxies, as msw and nock 14 make them, show the marks of what is behind them; spies of vitest and sinon copy those. */
function isMock(wrapper: Wrapped): boolean {
  return types.isProxy(wrapper) || SPY_MARKS.some((mark) => mark in wrapper);
}

/** Whether `top` is a tracer's wrapper, or several, that ends in `bottom`. A mock is none: it must stay where it can be taken off. */
export function wraps(top: Wrapped, bottom: Wrapped): boolean {
  let current: Wrapped | undefined = top;
  for (let i = 0; i < MAX_CHAIN && current !== undefined; i++) {
    if (isMock(current)) return false;
    if (isMarked(current)) return true;
    current = originalOf(current);
    if (current === bottom) return true;
  }
  return false;
}
