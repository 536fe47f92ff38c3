/** Where a command of the documentation is run, or why it is not. */
export interface Ran {
  /** From the root of the repository. */
  readonly by: string;
  /** What is written there of it. */
  readonly as: string;
}

const QUICK_STARTS: Ran = { by: 'test/package/quick-starts.package.ts', as: "'## Quick start'" };
const CI = (as: string): Ran => ({ by: '.ci/run', as });
const EXAMPLE = (as: string): Ran => ({ by: 'test/e2e/examples.test.ts', as });
const PACKED = (as: string): Ran => ({ by: 'test/package/installed.package.ts', as });

/**
 * Commands that other tests run. The section *Quick start* of README is not in here: its test takes all of it.
 */
export const RUN_ELSEWHERE: Readonly<Record<string, Ran>> = {
  'npm install opentelemetry-instrumentation-resilience': QUICK_STARTS,
  'npx --package opentelemetry-instrumentation-resilience otel-resilience <command>': PACKED("'npx'"),
  'otel-resilience status': { by: 'test/cli/status.test.ts', as: "'status'" },
  'npm ci': CI('npm ci'),
  'npm test': CI('npm test'),
  'npm run lint': CI('npm run --silent lint'),
  'npm run build': { by: 'package.json', as: '"pretest": "npm run build"' },
  '.ci/run': CI('#!/usr/bin/env bash'),
  'npm run demo': { by: 'test/e2e/demo.test.ts', as: 'build/examples/demo/run.js' },
  'npm run example:zero-code': EXAMPLE('zero-code/run.js'),
  'npm run example:programmatic': EXAMPLE('programmatic/index.js'),
  'npm run example:fallback': EXAMPLE('fallback/run.js'),
  'npm run example:bulkhead': EXAMPLE('bulkhead/run.js'),
  'npm run example:hedge': EXAMPLE('hedge/run.js'),
  'npm run example:overload': { by: 'test/e2e/overload.test.ts', as: 'examples/overload/run.js' },
  'npm run example:logs': { by: 'test/e2e/logs-example.test.ts', as: 'examples/logs/run.js' },
  'npm run example:jaeger': { by: 'test/backends/jaeger-example.live.ts', as: 'examples/jaeger/run.sh' },
  'promtool test rules alerts.test.yml': { by: 'test/backends/alerts.live.ts', as: "'test', 'rules', ALERT_TESTS" },
  'npm run test:unit': CI('npm test'),
  'npm run test:browser': CI('npm run --silent test:browser'),
  'npm run test:backends': CI('npm run --silent test:backends'),
  'npm run test:package': CI('npm run --silent test:package'),
  'npm run test:compat': CI('npm run --silent test:compat'),
  // The flag as an argument there, of the same `next start`; NODE_OPTIONS with `npm start` here.
  'NODE_OPTIONS="--require opentelemetry-instrumentation-resilience/register" next start': {
    by: 'test/compat/next.compat.ts',
    as: "PROGRAM, 'start'",
  },
  'npm run docs': { by: 'test/browser/docs-site.browser.ts', as: "'npm', ['run', '--silent', 'docs']" },
  'npm run dashboards': { by: 'test/backends/dashboards.test.ts', as: 'npm run dashboards' },
  'npm run schema': { by: 'test/config/schema.test.ts', as: 'npm run schema' },
};

/** Commands that no test runs, each with what it would take. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  'docker compose -f examples/jaeger/compose.yaml up -d': 'a container engine and a registry of images',
  'kubectl port-forward': 'a cluster',
  'ssh -L': 'another machine',
  'npm owner ls opentelemetry-instrumentation-resilience': 'a published package',
  'npm run screenshots': 'pngquant; its pictures are those of npm run test:browser',
  'npm run test:peers': 'clones of undici and nock with their dependencies',
  'npm run bench': 'three minutes of an idle machine',
  'npm run soak': 'a minute of an idle machine for each of its settings',
};
