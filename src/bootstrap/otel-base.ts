import type { InstrumentationBase } from '@opentelemetry/instrumentation';

type Base = typeof InstrumentationBase;

class MissingBase {
  constructor() {
    throw new Error(
      'ResilienceInstrumentation needs the package @opentelemetry/instrumentation; install it beside @opentelemetry/api',
    );
  }
}

/**
 * `InstrumentationBase` of the app's own `@opentelemetry/instrumentation`. It is an optional peer, because a copy of our
 * own would bring its own copy of the API along, which an SDK of the other line doesn't hear. Without it the rest of the
 * package works, and only the class that needs it says what is missing.
 */
export const AppInstrumentationBase: Base = load();

function load(): Base {
  try {
    return (require('@opentelemetry/instrumentation') as { InstrumentationBase: Base }).InstrumentationBase;
  } catch {
    return MissingBase as unknown as Base;
  }
}
