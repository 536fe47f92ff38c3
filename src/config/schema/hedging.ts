import { formatDuration } from '../../common/duration.ts';
import { HEDGEABLE_METHODS, type HedgeDelay } from '../../strategies/hedge/options.ts';
import { type Kind, listOf } from './kind.ts';
import { DAY_MS, durationKind } from './numbers.ts';
import { type OptionText, type ValueOption, value } from './option.ts';
import { textKind } from './texts.ts';

/** Kinds that only hedging has. */

const QUANTILE = /^p([5-9]\d)$/;

const fixed = durationKind({ min: 1, max: DAY_MS });

const delay: Kind<HedgeDelay> = {
  parse(given) {
    const quantile = typeof given === 'string' ? QUANTILE.exec(given) : null;
    if (quantile !== null) return { kind: 'quantile', share: Number(quantile[1]) / 100 };
    const ms = fixed.parse(given);
    return ms === undefined ? undefined : { kind: 'fixed', ms };
  },
  expects: `a quantile from p50 to p99, or ${fixed.expects}`,
  brief: `p50 to p99, or ${fixed.brief}`,
  json: { anyOf: [{ type: 'string', pattern: QUANTILE.source }, fixed.json] },
  type: 'HedgeDelay',
  text: 'scalar',
  write: delayText,
};

export function delayText(of: HedgeDelay): string {
  return of.kind === 'quantile' ? `p${Math.round(of.share * 100)}` : formatDuration(of.ms);
}

export function hedgeDelay(text: OptionText): ValueOption<HedgeDelay> {
  return value(delay, text);
}

export function idempotentMethods(whenEmpty: string, text: OptionText): ValueOption<readonly string[]> {
  const names = HEDGEABLE_METHODS.join(', ');
  const pattern = new RegExp(`^(?:${HEDGEABLE_METHODS.join('|')})$`, 'i');
  const words = { expects: `one of ${names}`, brief: names };
  const method: Kind<string> = {
    ...textKind(pattern, words, (name) => name.toUpperCase()),
    choices: HEDGEABLE_METHODS,
  };
  const expects = `a list of idempotent methods: ${names}`;
  return value(listOf(method, { min: 1, max: HEDGEABLE_METHODS.length }, { expects, brief: names, whenEmpty }), text);
}
