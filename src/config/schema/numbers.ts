import { formatDuration, parseDuration } from '../../common/duration.ts';
import { formatSize, parseSize } from '../../common/size.ts';
import type { Kind } from './kind.ts';
import { orOff } from './kind.ts';
import { type OptionText, type ValueOption, value } from './option.ts';

/** Options that are numbers, some of them with a unit. Each checks its range and says it. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

export const DAY_MS = 86_400_000;

/** The most of what is counted one by one: more is a typing error, or more than fits the memory. */
export const MANY = 100_000;

function within(given: unknown, { min, max }: Range): number | undefined {
  return typeof given === 'number' && given >= min && given <= max ? given : undefined;
}

function wholeWithin(given: unknown, range: Range): number | undefined {
  return Number.isSafeInteger(given) ? within(given, range) : undefined;
}

export function durationKind({ min, max }: Range): Kind<number> {
  const brief = `${min === 0 ? '0' : formatDuration(min)} to ${formatDuration(max)}`;
  return {
    parse: (given) => wholeWithin(typeof given === 'string' ? parseDuration(given) : given, { min, max }),
    expects: `a duration from ${brief} (ms as a number, or 250ms, 3s, 5m, 1h)`,
    brief,
    json: {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h)$' },
      ],
    },
    type: 'Duration',
    text: 'scalar',
    write: (ms) => (ms === 0 ? 0 : formatDuration(ms)),
  };
}

/** In milliseconds once read. A day at most unless said: timers hold no more than 24 of them. */
export function duration(range: Partial<Range>, text: OptionText): ValueOption<number> {
  return value(durationKind({ min: 1, max: DAY_MS, ...range }), text);
}

/** False: none. */
export function durationOrOff(range: Partial<Range>, text: OptionText): ValueOption<number | false> {
  return value(orOff(durationKind({ min: 1, max: DAY_MS, ...range })), text);
}

/** In bytes once read. */
export function size({ min, max }: Range, text: OptionText): ValueOption<number> {
  const brief = `${min} bytes to ${formatSize(max)}`;
  const kind: Kind<number> = {
    parse: (given) => wholeWithin(typeof given === 'string' ? parseSize(given) : given, { min, max }),
    expects: `a size from ${brief} (bytes as a number, or 64KiB, 1MiB)`,
    brief,
    json: {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: '^\\d+(\\.\\d+)?(KiB|MiB|GiB)$' },
      ],
    },
    type: 'Size',
    text: 'scalar',
    write: formatSize,
  };
  return value(kind, text);
}

function countKind({ min, max }: Range): Kind<number> {
  return {
    parse: (given) => wholeWithin(given, { min, max }),
    expects: `a whole number from ${min} to ${max}`,
    brief: `${min} to ${max}`,
    json: { type: 'integer', minimum: min, maximum: max },
    type: 'number',
    text: 'scalar',
  };
}

export function count(range: Range, text: OptionText): ValueOption<number> {
  return value(countKind(range), text);
}

export function countOrOff(range: Range, text: OptionText): ValueOption<number | false> {
  return value(orOff(countKind(range)), text);
}

export function numeric({ min, max }: Range, text: OptionText): ValueOption<number> {
  const kind: Kind<number> = {
    parse: (given) => within(given, { min, max }),
    expects: `a number from ${min} to ${max}`,
    brief: `${min} to ${max}`,
    json: { type: 'number', minimum: min, maximum: max },
    type: 'number',
    text: 'scalar',
  };
  return value(kind, text);
}

/** A share of a whole that is never nothing. */
export function ratio(text: OptionText): ValueOption<number> {
  return value(
    fraction('above 0, up to 1', (share) => share > 0 && share <= 1, { exclusiveMinimum: 0, maximum: 1 }),
    text,
  );
}

/** A share of a whole that stays below it. */
export function share(text: OptionText): ValueOption<number> {
  return value(
    fraction('from 0, below 1', (share) => share >= 0 && share < 1, { minimum: 0, exclusiveMaximum: 1 }),
    text,
  );
}

function fraction(brief: string, isWithin: (share: number) => boolean, limits: object): Kind<number> {
  return {
    parse: (given) => (typeof given === 'number' && isWithin(given) ? given : undefined),
    expects: `a number ${brief}`,
    brief,
    json: { type: 'number', ...limits },
    type: 'number',
    text: 'scalar',
  };
}
