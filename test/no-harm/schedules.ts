import net, { type AddressInfo } from 'node:net';
import type { CallReport, ClientDriver } from './driver.ts';
import { violations } from './invariant.ts';
import { LoopClock } from './loop-clock.ts';
import { Origin } from './origin.ts';
import { type CallPlan, planCall } from './plan.ts';
import { Random } from './random.ts';

export interface Violation {
  readonly plan: CallPlan;
  readonly report: CallReport;
  readonly wrong: readonly string[];
  /** That reached the upstream. */
  readonly attempts: number;
}

export interface Summary {
  readonly calls: number;
  readonly violations: readonly Violation[];
  /** How many calls ended how, to see that everything occurs. */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** A port of this machine that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Where calls go: an upstream, and another to fall back on. */
export class Stage {
  readonly origin = new Origin();
  readonly backup = new Origin();
  readonly clock = new LoopClock();
  deadPort = 0;

  async open(): Promise<this> {
    await Promise.all([this.origin.listen(), this.backup.listen()]);
    this.deadPort = await deadPort();
    return this;
  }

  async close(): Promise<void> {
    this.clock.stop();
    await Promise.all([this.origin.close(), this.backup.close()]);
  }
}

/** Makes calls by random schedules, many at a time. `from`: the number of the first, for telling them apart. */
export async function playSchedules(
  driver: ClientDriver,
  stage: Stage,
  run: { readonly seed: number; readonly calls: number; readonly concurrency: number; readonly only?: number },
): Promise<Summary> {
  const found: Violation[] = [];
  const outcomes = new Map<string, number>();
  let next = run.only ?? 0;
  const last = run.only === undefined ? run.calls : run.only + 1;
  const worker = async (): Promise<void> => {
    while (next < last) {
      const id = next++;
      // Each call from a seed of its own: it is the same whichever others are made.
      const plan = planCall(id, new Random(run.seed * 1_000_003 + id));
      if (!driver.supports(plan)) continue;
      stage.origin.expect(plan);
      const report = await driver.call(plan, { port: stage.origin.port, deadPort: stage.deadPort, clock: stage.clock });
      const origin = stage.origin.take(id);
      const stored = [...origin.stored, ...stage.backup.take(id).stored];
      const wrong = violations(plan, report, stored);
      if (wrong.length > 0) found.push({ plan, report, wrong, attempts: origin.attempts });
      const outcome = `${plan.policy} ${report.events.find((event) => /^(?:response|error)/.test(event)) ?? 'none'}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: run.concurrency }, worker));
  return { calls: last - (run.only ?? 0), violations: found, outcomes };
}

/** The numbers of a run, from the environment: `NO_HARM_CALLS`, `NO_HARM_SEED`, and `NO_HARM_ONLY` for a single call. */
export function runFromEnvironment(calls: number): { seed: number; calls: number; concurrency: number; only?: number } {
  const { NO_HARM_CALLS, NO_HARM_SEED, NO_HARM_ONLY, NO_HARM_CONCURRENCY } = process.env;
  return {
    seed: Number(NO_HARM_SEED ?? Math.floor(Math.random() * 1_000_000)),
    calls: Number(NO_HARM_CALLS ?? calls),
    concurrency: Number(NO_HARM_CONCURRENCY ?? 60),
    ...(NO_HARM_ONLY === undefined ? {} : { only: Number(NO_HARM_ONLY) }),
  };
}

/** What to do to see the first few violations again. */
export function describeViolations(summary: Summary, seed: number): string {
  const kinds = new Map<string, { readonly one: Violation; times: number }>();
  for (const one of summary.violations) {
    const kind = `${one.plan.policy}: ${one.wrong.join('; ').replace(/\d+/g, 'n')}`;
    const known = kinds.get(kind) ?? { one, times: 0 };
    known.times++;
    kinds.set(kind, known);
  }
  const told = Array.from(kinds, ([kind, { one, times }]) => {
    const again = `NO_HARM_SEED=${seed} NO_HARM_ONLY=${one.plan.id}`;
    return `${kind} (${times} times)\n  again: ${again}\n  plan: ${JSON.stringify(one.plan)}\n  saw: ${one.report.events.join(', ')}, after ${one.report.settledMs} ms and ${one.attempts} attempts`;
  });
  return `${summary.violations.length} of ${summary.calls} calls were harmed (seed ${seed})\n${told.slice(0, 12).join('\n')}`;
}
