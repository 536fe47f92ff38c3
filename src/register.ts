import { register } from './bootstrap/register.ts';

/**
 * The zero-code entry: `node --require opentelemetry-instrumentation-resilience/register app.js` (or `--import`, or
 * either in `NODE_OPTIONS`).
 */
register(module);
