import type { Substitute } from '../strategies/shared/contract.ts';
import type { AttemptState } from './attempt-state.ts';

/** What is to happen to an exchange next, as soon as its adapter is ready for it. An attempt: it is to be sent. */
export type Action =
  | AttemptState
  | { readonly kind: 'fail'; readonly error: Error }
  | { readonly kind: 'respond'; readonly response: Substitute }
  | { readonly kind: 'release' }
  /** Nothing for now: a timer or a promise will bring the next action. */
  | { readonly kind: 'wait' };

export const WAIT: Action = { kind: 'wait' };
export const RELEASE: Action = { kind: 'release' };
