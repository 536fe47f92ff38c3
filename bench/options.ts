import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
  /** Sections to run. */
  readonly only: readonly Section[];
  /** How long all calls together may take. */
  readonly callsMs: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
  /** How long the rejections of one client may take. */
  readonly rejectionMs: number;
  readonly startUpRuns: number;
  readonly decisionMs: number;
}

export const SECTIONS = ['http', 'fetch', 'undici', 'rejection', 'decision', 'start-up', 'memory'] as const;
export type Section = (typeof SECTIONS)[number];

export const HELP = `npm run bench [-- options]

What this package costs, against the bare client and against others. Less than 3 minutes; the machine should be idle.

  --quick          less than 40 seconds, for a first impression
  --only=a,b       only these sections: ${SECTIONS.join(', ')}
  --json           the results as JSON
  --help           this text
`;

export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  const only = values.only?.split(',') ?? [...SECTIONS];
  for (const name of only) {
    if (!SECTIONS.includes(name as Section)) throw new Error(`no section ${name}; there are ${SECTIONS.join(', ')}`);
  }
  const { quick, json, help } = values;
  const amounts = quick
    ? { callsMs: 12_000, sliceMs: 50, warmUpMs: 250, rejectionMs: 600, startUpRuns: 3, decisionMs: 200 }
    : { callsMs: 115_000, sliceMs: 120, warmUpMs: 600, rejectionMs: 3_000, startUpRuns: 10, decisionMs: 800 };
  return { quick, json, help, only: only as Section[], ...amounts };
}
