import type { Attempt } from '../../engine/exchange.ts';
import { lostRace } from '../lost-race.ts';
import type { WireAttempt } from './wire-attempt.ts';

/** The attempts of one call: the one last sent or, with an outcome held or delivered, the one that is of; and its rivals. */
export class Wires {
  current: WireAttempt | undefined = undefined;
  /** Others in flight; undefined but for a call that is hedged just now. */
  #rivals: WireAttempt[] | undefined = undefined;

  /** One more, beside those in flight. */
  join(wire: WireAttempt): void {
    this.#rivals ??= [];
    if (this.current !== undefined) this.#rivals.push(this.current);
    this.current = wire;
  }

  of(attempt: Attempt): WireAttempt | undefined {
    if (this.current?.attempt === attempt) return this.current;
    return this.#rivals?.find((rival) => rival.attempt === attempt);
  }

  /** One of several has failed: the others go on. */
  leave(wire: WireAttempt): void {
    const left = [...(this.#rivals ?? []), this.current].filter((one) => one !== undefined && one !== wire);
    this.current = left.pop();
    this.#rivals = left.length === 0 ? undefined : (left as WireAttempt[]);
  }

  /** What comes of this one is what becomes of the call: the others end in silence. */
  settle(wire: WireAttempt): void {
    if (this.#rivals === undefined) return;
    const losers = [...this.#rivals, this.current].filter((one) => one !== wire);
    this.#rivals = undefined;
    this.current = wire;
    for (const loser of losers) loser?.abandon(lostRace());
  }

  /** The caller gave up: all end. */
  abort(reason: Error | undefined): void {
    const rivals = this.#rivals;
    this.#rivals = undefined;
    for (const rival of rivals ?? []) rival.abandon(reason);
    this.current?.abort(reason);
  }
}
