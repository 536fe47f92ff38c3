import { CountWindow } from '../circuit-breaker/count-window.ts';
import type { Transition } from '../circuit-breaker/transition.ts';
import type { HealthOptions } from './options.ts';

export type HealthListener = (state: 'healthy' | 'unhealthy', errorRatio: number) => void;

/**
 * Says of an upstream how it is, from the share of its last calls that failed and from the circuit of its primary.
 *
 * While the circuit lets no traffic through (open, half-open, forced open) there are hardly any calls to judge by: the
 * upstream is then unhealthy, and the ratio shown is that of the last evidence: what the circuit opened on, then its
 * probes. When it closes, what came before the last round of probes counts no more, so that an outage that is over
 * doesn't show for as long as the window is full of it.
 */
export class HealthMonitor {
  #options: HealthOptions;
  #window: CountWindow;
  readonly #onChange: HealthListener;
  /** Whether calls are still let through while the circuit is open: then they stay the evidence. */
  readonly #observes: boolean;
  /** The verdict of the window alone. */
  #exceeds = false;
  /** The circuit keeps calls away. */
  #barred = false;
  #unhealthy = false;
  /** The failure ratio the circuit opened on, until there is newer evidence. */
  #openedOn: number | undefined = undefined;
  /** The circuit is half-open, and none of its probes has been heard of. */
  #awaitsProbe = false;
  /** When the next call is let through to an unhealthy primary; undefined until one has been diverted. */
  #nextProbeAtMs: number | undefined;

  constructor(options: HealthOptions, onChange: HealthListener, observes = false) {
    this.#options = options;
    this.#window = new CountWindow(options.window);
    this.#onChange = onChange;
    this.#observes = observes;
  }

  /** A call to the primary that has ended, a probe's too. Calls we refused ourselves are no evidence. */
  record(failed: boolean): void {
    if (this.#awaitsProbe) this.#startAfresh();
    this.#window.record(failed, false);
    this.#judge();
  }

  /** The primary's circuit has changed its state. */
  circuitChanged({ state, reason, failureRatio }: Transition): void {
    const closed = state === 'closed' || state === 'forced_closed';
    if (!this.#observes) {
      // What opened it counts more than the window, which may be full of better times; a manual change is no evidence.
      if (state === 'open') this.#openedOn = reason === 'probe_failed' ? 1 : (failureRatio ?? 1);
      // Closed without a word of a probe: by its lease, or by hand.
      if (closed && (this.#awaitsProbe || this.#openedOn !== undefined)) this.#startAfresh();
      this.#awaitsProbe = state === 'half_open';
    }
    this.#barred = !closed;
    this.#judge();
  }

  /** Calls in the window. */
  get calls(): number {
    return this.#window.counted;
  }

  /** Failed calls among the last ones that say something, 0..1; undefined while there are none. */
  get errorRatio(): number | undefined {
    if (this.#openedOn !== undefined) return this.#openedOn;
    return this.calls === 0 ? undefined : this.#window.failures / this.calls;
  }

  get unhealthy(): boolean {
    return this.#unhealthy;
  }

  /**
   * Whether a fallback shall take this call. While unhealthy, one call per interval still goes to the primary. What the
   * circuit says makes no difference here: it refuses calls itself, and lets its own probes through.
   */
  failover(nowMs: number): boolean {
    if (!this.#exceeds) return false;
    const probes = this.#nextProbeAtMs !== undefined && nowMs >= this.#nextProbeAtMs;
    if (probes || this.#nextProbeAtMs === undefined) this.#nextProbeAtMs = nowMs + this.#options.probeIntervalMs;
    return !probes;
  }

  /** Goes on under other options with the latest calls it knows. */
  reconfigure(options: HealthOptions): void {
    this.#window = this.#window.resized(options.window);
    this.#options = options;
    this.#judge();
  }

  #startAfresh(): void {
    this.#window.clear();
    this.#openedOn = undefined;
    this.#awaitsProbe = false;
  }

  #judge(): void {
    const { counted, failures } = this.#window;
    const { minimumCalls, threshold } = this.#options;
    const exceeds = counted > 0 && counted >= minimumCalls && failures / counted > threshold;
    if (exceeds !== this.#exceeds) this.#nextProbeAtMs = undefined;
    this.#exceeds = exceeds;
    const unhealthy = exceeds || this.#barred;
    if (unhealthy === this.#unhealthy) return;
    this.#unhealthy = unhealthy;
    this.#onChange(unhealthy ? 'unhealthy' : 'healthy', this.errorRatio ?? 0);
  }
}
