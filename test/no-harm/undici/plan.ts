import { createHash } from 'node:crypto';
import { Chance } from './chance.ts';

/** What the upstream does with one attempt. `accept`: stores what it got and says what that was. */
export type Act =
  | 'accept'
  | '503 early'
  | '503 late'
  | '503 in two parts'
  | 'reset at head'
  | 'reset in upload'
  | 'reset before answer'
  | 'stall'
  | 'half a response';

export type BodyKind = 'none' | 'string' | 'buffer' | 'blob' | 'generator' | 'stream' | 'web stream';

/** One call of the property test: everything that was left to chance. */
export interface Plan {
  readonly id: string;
  readonly policy: number;
  readonly method: string;
  readonly kind: BodyKind;
  readonly pieces: readonly Buffer[];
  /** Before each piece, and before the end: undefined goes on at once, 0 a turn of the event loop, else milliseconds. */
  readonly gaps: ReadonlyArray<number | undefined>;
  /** The source breaks off with an error of its own instead of its end. */
  readonly breaks: boolean;
  /** Of the first attempt, the second, and so on; accepted from then on. */
  readonly acts: readonly Act[];
  /** The first connections that are refused. */
  readonly refusals: number;
  /** Nothing listens at the primary. */
  readonly dead: boolean;
  readonly abortAfterMs: number | undefined;
  readonly idempotencyKey: boolean;
  readonly declaresLength: boolean;
}

const FAILURES: readonly Act[] = [
  '503 early',
  '503 late',
  '503 in two parts',
  'reset at head',
  'reset in upload',
  'reset before answer',
  'half a response',
];

export function planCall(seed: number, index: number, policies: number): Plan {
  const chance = new Chance(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const method = chance.of('GET', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE');
  const kind: BodyKind =
    method === 'GET' ? 'none' : chance.of('none', 'string', 'buffer', 'blob', 'generator', 'stream', 'web stream');
  const pieces = kind === 'none' ? [] : planPieces(chance);
  return {
    id: `${seed}-${index}`,
    policy: chance.below(policies),
    method,
    kind,
    pieces,
    gaps: [...pieces, undefined].map(() => chance.of(undefined, undefined, 0, 0, 1, chance.below(8))),
    breaks: chance.holds(0.05),
    acts: Array.from({ length: chance.of(0, 1, 1, 1, 2, 3) }, () =>
      chance.holds(0.03) ? 'stall' : chance.of(...FAILURES),
    ),
    refusals: chance.of(0, 0, 0, 0, 1, 2),
    dead: chance.holds(0.05),
    abortAfterMs: chance.holds(0.2) ? chance.below(40) : undefined,
    idempotencyKey: chance.holds(0.5),
    declaresLength: chance.holds(0.3),
  };
}

function planPieces(chance: Chance): Buffer[] {
  const most = chance.of(1, 10, 100, 1_000, 1_000, 10_000, 40_000);
  return Array.from({ length: chance.of(0, 1, 1, 2, 3, 6) }, () => {
    const piece = Buffer.alloc(chance.below(most));
    for (let i = 0; i < piece.length; i++) piece[i] = 97 + chance.below(26);
    return piece;
  });
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}
