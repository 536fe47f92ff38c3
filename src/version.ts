/** The instrumentation scope of everything this package emits. A test holds both to package.json. */
export const PACKAGE_NAME = 'opentelemetry-instrumentation-resilience';
export const PACKAGE_VERSION = '0.1.0';
