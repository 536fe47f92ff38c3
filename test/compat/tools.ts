/** What is installed, each in a folder of its own; `node`: the oldest line that it runs on. */
export interface Tool {
  readonly packages: readonly string[];
  readonly node?: number;
}

export const TOOLS = {
  'dd-trace-5': { packages: ['dd-trace@^5', '@msgpack/msgpack@^3'] },
  'dd-trace-6': { packages: ['dd-trace@^6', '@msgpack/msgpack@^3'], node: 22 },
  'elastic-apm-node-4': { packages: ['elastic-apm-node@^4'] },
  'newrelic-13': { packages: ['newrelic@^13'] },
  'newrelic-14': { packages: ['newrelic@^14'], node: 22 },
  'sentry-8': { packages: ['@sentry/node@^8'] },
  'sentry-9': { packages: ['@sentry/node@^9'] },
  'sentry-10': { packages: ['@sentry/node@^10'] },
  'sentry-11': { packages: ['@sentry/node@^11'] },
  'nock-13': { packages: ['nock@^13'] },
  'nock-14': { packages: ['nock@^14'] },
  'msw-2': { packages: ['msw@^2'] },
  'undici-7': { packages: ['undici@^7'] },
  'jest-30': { packages: ['jest@^30'] },
  'vitest-4': { packages: ['vitest@^4'] },
  'next-16': {
    packages: [
      'next@^16',
      'react@^19',
      'react-dom@^19',
      '@opentelemetry/sdk-node@^0.223.0',
      '@opentelemetry/instrumentation-http@^0.223.0',
      '@opentelemetry/instrumentation-undici@^0.33.0',
    ],
  },
  'pm2-7': { packages: ['pm2@^7'] },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

const NODE = Number(process.versions.node.split('.')[0]);

/** Whether the tool supports the Node that runs this. */
export function runsHere(name: ToolName): boolean {
  const tool: Tool = TOOLS[name];
  return NODE >= (tool.node ?? 0);
}
