import type { EventSource, ResilienceEvent } from '../engine/events.ts';
import { tell } from './diagnostics.ts';

const QUIET_MS = 60_000;
const MAX_UPSTREAMS = 200;

/**
 * Says in one plain line that a circuit has opened, once per upstream and minute: for processes in which nobody would see
 * it otherwise (`OTEL_RESILIENCE_LOG=auto`).
 */
export class OpenCircuitNotice {
  readonly #saidAt = new Map<string, number>();
  readonly #now: () => number;
  readonly #say: (line: string) => void;

  constructor(now = () => performance.now(), say = (line: string) => tell(line, 'warn')) {
    this.#now = now;
    this.#say = say;
  }

  event(event: ResilienceEvent, { upstream, mode }: EventSource): void {
    if (event.type !== 'circuit_state_changed' || event.state !== 'open') return;
    const now = this.#now();
    const last = this.#saidAt.get(upstream);
    if (last !== undefined && now - last < QUIET_MS) return;
    if (last === undefined && this.#saidAt.size >= MAX_UPSTREAMS) return;
    this.#saidAt.set(upstream, now);
    const consequence = mode === 'observe' ? 'its calls would be refused' : 'its calls are refused';
    const hint = 'OTEL_RESILIENCE_LOG=json tells more, =off nothing';
    this.#say(`circuit of ${event.circuit} opened (${event.reason}), ${consequence} (${hint})`);
  }
}
