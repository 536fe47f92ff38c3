import type { Substitute } from '../strategies/shared/contract.ts';
import type { Attempt, Exchange } from './exchange.ts';

/** What is to happen to an exchange next, as soon as its adapter is ready for it. */
export type Step =
  | { readonly kind: 'send'; readonly attempt: Attempt }
  | { readonly kind: 'fail'; readonly error: Error }
  | { readonly kind: 'respond'; readonly response: Substitute }
  | { readonly kind: 'release' }
  /** Nothing for now: a timer or a promise will bring the next step. */
  | { readonly kind: 'wait' };

export const WAIT: Step = { kind: 'wait' };
export const RELEASE: Step = { kind: 'release' };

export function perform(step: Step, exchange: Exchange): void {
  switch (step.kind) {
    case 'send':
      return exchange.send(step.attempt);
    case 'fail':
      return exchange.fail(step.error);
    case 'respond':
      return exchange.respond(step.response);
    case 'release':
      return exchange.release();
    case 'wait':
  }
}
