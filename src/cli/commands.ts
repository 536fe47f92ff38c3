import { type Command, EXIT, type Explained } from './command.ts';

const JSON_FLAG: Explained = ['--json', 'write JSON, for programs'];
const USAGE_EXIT: Explained = [String(EXIT.usage), 'the command line makes no sense, or the file cannot be read'];

/** All there is. `load` is a plain `require`, so that no command pays for another. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'validate',
    operands: ['file'],
    summary: 'check a configuration file',
    about: [
      'Tells everything that is wrong with the file: each problem with its path, line and column, and what follows from it. ' +
        'YAML or JSON; also the declarative file of OpenTelemetry (the one with file_format), of which only the part about this package is checked.',
    ],
    flags: [['--env', 'check the OTEL_RESILIENCE_* variables of this environment along with it'], JSON_FLAG],
    exits: [[String(EXIT.ok), 'valid'], [String(EXIT.problems), 'it has problems'], USAGE_EXIT],
    examples: ['otel-resilience validate resilience.yaml'],
    load: () => (require('./validate.js') as typeof import('./validate.ts')).validate,
  },
  {
    name: 'explain',
    operands: ['[file]', '[METHOD]', '[url]'],
    summary: 'say what would be done about a call, or what is configured',
    about: [
      'Tells which rule decides about the call, its policy and upstream, and every option in force with where it comes ' +
        'from: default, preset, file or environment (the OTEL_RESILIENCE_* variables of this environment count). Makes no call.',
      'Without a file it explains what this environment configures, as an app started in it would be. Without a call it ' +
        'tells mode, rules and policies, and the options of the default policy.',
    ],
    flags: [JSON_FLAG],
    exits: [
      [String(EXIT.ok), 'explained'],
      [String(EXIT.problems), 'explained, but the configuration has problems'],
      USAGE_EXIT,
    ],
    examples: [
      'otel-resilience explain resilience.yaml GET https://api.example.com/users/42',
      'OTEL_RESILIENCE_PRESET=standard otel-resilience explain GET https://api.example.com/users/42',
      'otel-resilience explain',
    ],
    load: () => (require('./explain.js') as typeof import('./explain.ts')).explain,
  },
  {
    name: 'schema',
    operands: [],
    summary: 'print the JSON Schema of the configuration file',
    about: ['For editors and other checkers. The same as config.schema.json of the package.'],
    flags: [JSON_FLAG],
    exits: [[String(EXIT.ok), 'printed'], USAGE_EXIT],
    examples: ['otel-resilience schema > resilience.schema.json'],
    load: () => (require('./schema.js') as typeof import('./schema.ts')).schema,
  },
  {
    name: 'status',
    operands: ['[address]'],
    summary: 'show the upstreams of a running app, the worst first',
    about: [
      'Asks the status page of an app that runs with OTEL_RESILIENCE_STATUS=<address>. Without an address it asks the one ' +
        'in that variable, else 127.0.0.1:9990. Off loopback it needs the token of OTEL_RESILIENCE_STATUS_TOKEN.',
    ],
    flags: [['--watch', 'keep it up to date until Ctrl-C; with --json, one object per line'], JSON_FLAG],
    exits: [[String(EXIT.ok), 'shown'], [String(EXIT.problems), 'no status page answers there'], USAGE_EXIT],
    examples: ['otel-resilience status', 'otel-resilience status 127.0.0.1:9991 --watch'],
    load: () => (require('./status.js') as typeof import('./status.ts')).status,
  },
  {
    name: 'demo',
    operands: [],
    summary: 'run the demo: an upstream fails, the circuit opens, it recovers',
    about: [
      'An unmodified web shop calls an upstream that fails, recovers and fails again; all on this machine, in about 20 seconds. ' +
        'Traces and metrics are shown when @opentelemetry/sdk-node is installed beside this package, else the log.',
    ],
    flags: [],
    exits: [[String(EXIT.ok), 'the demo went as it should'], [String(EXIT.problems), 'it did not'], USAGE_EXIT],
    examples: ['otel-resilience demo', 'npx --package opentelemetry-instrumentation-resilience otel-resilience demo'],
    load: () => (require('./demo.js') as typeof import('./demo.ts')).demo,
  },
];
