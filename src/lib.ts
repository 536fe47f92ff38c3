/**
 * What both entries of the package are made of. The build puts it into one file, so that whoever loads both has one set of
 * circuits and one set of error classes.
 */
export { register } from './bootstrap/register.ts';
export { sharedRuntime } from './bootstrap/runtime.ts';
// All of them: index.ts says which are public, and a second list would be forgotten.
export * from './errors.ts';
export { PACKAGE_NAME, PACKAGE_VERSION } from './version.ts';

/** Loads OpenTelemetry's API, which the preload does without. */
export function withRequestContext<T>(id: string, fn: () => T): T {
  const telemetry = require('./telemetry/request-context.js') as typeof import('./telemetry/request-context.ts');
  return telemetry.withRequestContext(id, fn);
}
