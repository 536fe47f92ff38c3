import type { PolicyName } from './policies.ts';
import type { Random } from './random.ts';

/** What the upstream does with one attempt. Times in milliseconds, counted from the head of the request. */
export type Step =
  /** Stores the body, and says of what length and hash it was. */
  | { readonly kind: 'store'; readonly afterMs: number }
  /** The same as a failure: the body was stored, and the answer is 503. */
  | { readonly kind: 'fail'; readonly afterMs: number }
  /** Answers 503 before the body is there; then reads on, or closes. */
  | { readonly kind: 'early'; readonly afterMs: number; readonly close: boolean }
  /** Resets the connection when `bytes` of the body are there, or all of it. */
  | { readonly kind: 'reset'; readonly bytes: number }
  | { readonly kind: 'hang_up'; readonly afterMs: number }
  /** Half of an answer, then the end of the connection. */
  | { readonly kind: 'half'; readonly afterMs: number }
  | { readonly kind: 'stall' };

export interface Piece {
  readonly bytes: number;
  /** Before it is written. */
  readonly delayMs: number;
  readonly text: boolean;
}

/** One call: what the app does, and what the upstream does. */
export interface CallPlan {
  readonly id: number;
  readonly policy: PolicyName;
  readonly method: string;
  readonly idempotent: boolean;
  readonly pieces: readonly Piece[];
  /** Whether `Content-Length` is given, or the body is chunked. */
  readonly declared: boolean;
  readonly expect: boolean;
  readonly flushHeaders: boolean;
  /** The app writes its pieces only once it has the response, or this time has passed; undefined: at once. */
  readonly waitsForResponseMs: number | undefined;
  readonly obeysDrain: boolean;
  /** Given with the last piece, or on its own. */
  readonly endsWithPiece: boolean;
  readonly connection: 'kept' | 'queued' | 'fresh' | 'none';
  /** So many connections are refused before one is made. */
  readonly refusals: number;
  readonly giveUp: { readonly afterMs: number; readonly how: 'destroy' | 'abort' } | undefined;
  readonly steps: readonly Step[];
}

const DELAYS = [0, 0, 0, 1, 3, 8] as const;
const SIZES = [1, 10, 100, 1_000, 5_000, 20_000, 70_000] as const;

function piecesOf(random: Random): Piece[] {
  const count = random.pick([0, 1, 1, 2, 3, 6, 12]);
  const slow = random.chance(0.3);
  return Array.from({ length: count }, () => ({
    bytes: random.pick(SIZES),
    delayMs: slow ? random.int(1, 12) : random.pick(DELAYS),
    text: random.chance(0.4),
  }));
}

function stepOf(random: Random, stalls: boolean): Step {
  const afterMs = random.pick(DELAYS);
  switch (random.int(0, 9)) {
    case 0:
    case 1:
      return { kind: 'fail', afterMs };
    case 2:
    case 3:
      return { kind: 'early', afterMs, close: random.chance(0.5) };
    case 4:
    case 5:
      return { kind: 'reset', bytes: random.pick([0, 1, 1_000, 30_000]) };
    case 6:
      return { kind: 'hang_up', afterMs };
    case 7:
      return { kind: 'half', afterMs };
    case 8:
      return stalls ? { kind: 'stall' } : { kind: 'store', afterMs };
    default:
      return { kind: 'store', afterMs };
  }
}

export const POLICY_NAMES = [
  'none',
  'breaker',
  'retry',
  'tiny_replay',
  'standard',
  'endpoint',
  'degraded',
  'handler',
  'hedge',
  'hedge_and_all',
] as const;

/** Policies whose time limits end a call that its upstream leaves hanging. */
export const LIMITED: ReadonlySet<string> = new Set([
  'standard',
  'endpoint',
  'degraded',
  'handler',
  'tiny_replay',
  'hedge',
  'hedge_and_all',
]);

export function planCall(id: number, random: Random): CallPlan {
  const policy = random.pick(POLICY_NAMES);
  const method = random.pick(['GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
  const bodied = /^P/.test(method);
  const pieces = bodied ? piecesOf(random) : [];
  const giveUp = random.chance(0.15)
    ? { afterMs: random.int(0, 40), how: random.pick(['destroy', 'abort'] as const) }
    : undefined;
  const failures = random.pick([0, 0, 1, 1, 1, 2, 3]);
  const stalls = LIMITED.has(policy) || giveUp !== undefined;
  return {
    id,
    policy,
    method,
    idempotent: random.chance(0.5),
    pieces,
    declared: random.chance(0.4),
    expect: bodied && random.chance(0.1),
    flushHeaders: random.chance(0.2),
    waitsForResponseMs: random.chance(0.1) ? random.int(5, 40) : undefined,
    obeysDrain: random.chance(0.7),
    endsWithPiece: random.chance(0.5),
    connection: random.pick(['kept', 'kept', 'kept', 'queued', 'fresh', 'none']),
    refusals: random.chance(0.25) ? random.int(1, 3) : 0,
    giveUp,
    steps: Array.from({ length: failures }, () => stepOf(random, stalls)),
  };
}

/** The bytes of a call's body: the same whoever asks, other ones for each call. */
export function bodyOf(plan: CallPlan): Buffer {
  const total = plan.pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  const body = Buffer.alloc(total);
  // Printable, so that pieces may be written as text.
  for (let i = 0; i < total; i++) body[i] = 33 + ((i * 31 + (i >> 8) * 17 + plan.id * 7) % 90);
  return body;
}
