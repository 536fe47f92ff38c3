import type { Clock, Timer } from '../../common/clock.ts';
import type { ChaosOptions, Fault } from './options.ts';

export interface ChaosDeps {
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Told when faults begin and when they cease. `untilMs`: undefined while they go on until further notice. */
  readonly onChange: (change: ChaosChange) => void;
}

export interface ChaosChange {
  readonly state: 'started' | 'ended';
  readonly rules: ChaosOptions;
  /** How long it is to last; undefined: as long as the process. */
  readonly durationMs: number | undefined;
}

export interface ChaosReading {
  readonly rules: ChaosOptions;
  /** Milliseconds until it ends by itself; undefined: it does not. */
  readonly remainingMs: number | undefined;
}

/**
 * Injects faults into the attempts of one upstream, while it is armed: by its policy for as long as the process lives, or
 * by hand for a limited time.
 */
export class Chaos {
  readonly #deps: ChaosDeps;
  /** Those of the policy; they come back when what was armed by hand has ended. */
  readonly #standing: ChaosOptions;
  #rules: ChaosOptions = [];
  #untilMs: number | undefined = undefined;
  #timer: Timer = undefined;

  constructor(standing: ChaosOptions, deps: ChaosDeps) {
    this.#deps = deps;
    this.#standing = standing;
    if (standing.length > 0) this.#start(standing, undefined);
  }

  /** The fault that the next attempt meets, if any. Each rule has its chance; the first that hits counts. */
  pick(): Fault | undefined {
    for (const { rate, fault } of this.#rules) if (this.#deps.random() < rate) return fault;
    return undefined;
  }

  /** Injects `rules` for `durationMs`, in place of what is injected now. */
  arm(rules: ChaosOptions, durationMs: number): void {
    this.#end();
    this.#start(rules, durationMs);
    this.#untilMs = this.#deps.clock.now() + durationMs;
    this.#timer = this.#deps.clock.schedule(() => this.disarm(), durationMs, false);
  }

  /** Ends what was armed by hand. */
  disarm(): void {
    if (this.#untilMs === undefined) return;
    this.#end();
    if (this.#standing.length > 0) this.#start(this.#standing, undefined);
  }

  /** Undefined while nothing is injected. */
  snapshot(nowMs: number): ChaosReading | undefined {
    if (this.#rules.length === 0) return undefined;
    return {
      rules: this.#rules,
      remainingMs: this.#untilMs === undefined ? undefined : Math.max(0, this.#untilMs - nowMs),
    };
  }

  #start(rules: ChaosOptions, durationMs: number | undefined): void {
    this.#rules = rules;
    this.#deps.onChange({ state: 'started', rules, durationMs });
  }

  #end(): void {
    this.#deps.clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#untilMs = undefined;
    const rules = this.#rules;
    this.#rules = [];
    if (rules.length > 0) this.#deps.onChange({ state: 'ended', rules, durationMs: undefined });
  }
}
