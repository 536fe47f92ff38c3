import type { StageBuilder } from '../../src/engine/build-pipeline.ts';
import type { CallState } from '../../src/engine/call-state.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Pipeline } from '../../src/engine/pipeline.ts';
import type {
  Admission,
  CallProgress,
  Guard,
  Outcome,
  Recovery,
  RecoveryAction,
} from '../../src/strategies/shared/contract.ts';
import type { Mode, Policy } from '../../src/strategies/shared/policy.ts';
import { FakeExchange } from './fake-exchange.ts';
import { ManualClock } from './manual-clock.ts';
import { RecordingListener } from './recording-listener.ts';
import { everyCall } from './rules.ts';

export interface HarnessOptions {
  readonly policy?: Partial<Policy>;
  readonly mode?: Mode;
  readonly guards?: readonly Guard[];
  readonly recoveries?: readonly Recovery[];
  /** The real ones, or scripted ones that depend on the policy. */
  readonly buildStages?: StageBuilder;
  /** For guards that need it before the harness is made. */
  readonly clock?: ManualClock;
  /** Changes what the listener hears, or throws. */
  readonly listener?: RecordingListener;
}

/** The real engine under a manual clock, with scripted guards and recoveries where a test wants them. */
export function engineHarness(options: HarnessOptions = {}) {
  const clock = options.clock ?? new ManualClock();
  const listener = options.listener ?? new RecordingListener();
  const faults: unknown[] = [];
  const scripted: StageBuilder = () => ({ callGuards: options.guards ?? [], recoveries: options.recoveries ?? [] });
  const engine = new Engine({
    clock,
    listener,
    random: () => 0.5,
    rules: everyCall(options.policy, options.mode === undefined ? {} : { mode: options.mode }),
    buildStages: options.buildStages ?? scripted,
    fault: (error) => faults.push(error),
  });
  const pipeline = (): Pipeline => {
    const found = engine.route('http:', 'upstream.test', 80, 'GET', '/');
    if (found === undefined) throw new Error('no pipeline');
    return found;
  };
  const call = (method = 'GET'): FakeExchange & { execution: CallState } => {
    const exchange = new FakeExchange(method);
    const execution = engine.open(pipeline(), exchange);
    exchange.start(execution);
    return Object.assign(exchange, { execution: execution.call });
  };
  return { clock, listener, engine, pipeline, call, faults };
}

/** A recovery that answers from a list, one remedy an outcome. */
export class ScriptedRecovery implements Recovery {
  readonly mayResend = true;
  readonly seen: Outcome[] = [];
  readonly #remedies: Array<RecoveryAction | undefined | Promise<RecoveryAction | undefined>>;

  constructor(...remedies: Array<RecoveryAction | undefined | Promise<RecoveryAction | undefined>>) {
    this.#remedies = remedies;
  }

  recover(_progress: CallProgress, outcome: Outcome): RecoveryAction | undefined | Promise<RecoveryAction | undefined> {
    if (outcome.kind === 'response' && outcome.verdict !== 'failure') return undefined;
    this.seen.push(outcome);
    return this.#remedies.shift();
  }
}

/** A guard that queues every call until the test lets it go. */
export class ScriptedQueue implements Guard {
  readonly waiting: Array<(admission: Exclude<Admission, { kind: 'queued' }>, nowMs: number) => void> = [];
  readonly verdicts: string[] = [];
  cancelled = 0;

  acquire(): Admission {
    return {
      kind: 'queued',
      onSettled: (settle) => this.waiting.push(settle),
      cancel: () => {
        this.cancelled++;
        this.waiting.length = 0;
      },
    };
  }

  admitNext(nowMs: number): void {
    this.waiting.shift()?.({ kind: 'permit', release: (verdict) => this.verdicts.push(verdict) }, nowMs);
  }
}
