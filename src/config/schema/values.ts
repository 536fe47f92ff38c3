import { z } from 'zod';
import { namesCaller } from '../../common/caller-identity.ts';
import { formatDuration, parseDuration } from '../../common/duration.ts';
import { HOP_BY_HOP } from '../../common/http-fields.ts';
import { formatSize, parseSize } from '../../common/size.ts';
import type { StatusRange } from '../../strategies/verdict/options.ts';
import { type Held, type OptionText, option, type TextForm } from './option.ts';

/** The kinds of values that options have, each with its range and its words for "expected ...". */

const value = (text: TextForm, expects: string, holds?: Held) =>
  ({ form: { kind: 'value', text, ...(holds && { holds }) }, expects }) as const;

interface Range {
  readonly min: number;
  readonly max: number;
}

export const DAY_MS = 86_400_000;

/** The most of what is counted one by one: more is a typing error, or more than fits the memory. */
export const MANY = 100_000;

function durationSchema(range: Range) {
  return z.union([
    z.int().min(range.min).max(range.max),
    z
      .string()
      .regex(/^\d+(\.\d+)?(ms|s|m|h)$/)
      .transform((text) => parseDuration(text) ?? Number.NaN)
      .refine((ms) => ms >= range.min && ms <= range.max),
  ]);
}

function durationWords({ min, max }: Range): string {
  const from = min === 0 ? '0' : formatDuration(min);
  return `a duration from ${from} to ${formatDuration(max)} (ms as a number, or 250ms, 3s, 5m, 1h)`;
}

/** In milliseconds once read. A day at most unless said: timers hold no more than 24 of them. */
export function duration(range: Partial<Range>, text: OptionText) {
  const limits = { min: 1, max: DAY_MS, ...range };
  return option(durationSchema(limits), text, value('scalar', durationWords(limits), 'duration'));
}

/** False: none. */
export function durationOrOff(range: Partial<Range>, text: OptionText) {
  const limits = { min: 1, max: DAY_MS, ...range };
  const schema = z.union([OFF, durationSchema(limits)]);
  return option(schema, text, value('scalar', `${durationWords(limits)}, or off`, 'duration'));
}

/** YAML 1.2 reads `off` as text. */
const OFF = z.union([z.literal(false), z.literal('off')]).transform((): false => false);

export function size(range: Range, text: OptionText) {
  const schema = z.union([
    z.int().min(range.min).max(range.max),
    z
      .string()
      .regex(/^\d+(\.\d+)?(KiB|MiB|GiB)$/)
      .transform((given) => parseSize(given) ?? Number.NaN)
      .refine((bytes) => bytes >= range.min && bytes <= range.max),
  ]);
  const words = `a size from ${range.min} bytes to ${formatSize(range.max)} (bytes as a number, or 64KiB, 1MiB)`;
  return option(schema, text, value('scalar', words, 'size'));
}

export function count(range: Range, text: OptionText) {
  const words = `a whole number from ${range.min} to ${range.max}`;
  return option(z.int().min(range.min).max(range.max), text, value('scalar', words));
}

export function countOrOff(range: Range, text: OptionText) {
  const words = `a whole number from ${range.min} to ${range.max}, or off`;
  return option(z.union([OFF, z.int().min(range.min).max(range.max)]), text, value('scalar', words));
}

export function numeric(range: Range, text: OptionText) {
  const words = `a number from ${range.min} to ${range.max}`;
  return option(z.number().min(range.min).max(range.max), text, value('scalar', words));
}

/** A share of a whole that is never nothing. */
export function ratio(text: OptionText) {
  return option(z.number().gt(0).max(1), text, value('scalar', 'a number above 0, up to 1'));
}

/** A share of a whole that stays below it. */
export function share(text: OptionText) {
  return option(z.number().min(0).lt(1), text, value('scalar', 'a number from 0, below 1'));
}

export function flag(text: OptionText) {
  return option(z.boolean(), text, value('scalar', 'true or false'));
}

export function choice<const T extends readonly [string, ...string[]]>(choices: T, text: OptionText) {
  return option(z.enum(choices), text, value('scalar', choices.join(' or ')));
}

const STATUS = { min: 100, max: 999 };
const STATUS_RANGE = /^([1-9]\d\d)\s*-\s*([1-9]\d\d)$/;

const statusRange = z.union([
  z
    .int()
    .min(STATUS.min)
    .max(STATUS.max)
    .transform((status): StatusRange => ({ from: status, to: status })),
  z
    .string()
    .regex(STATUS_RANGE)
    .transform((text): StatusRange => {
      const match = STATUS_RANGE.exec(text);
      return { from: Number(match?.[1]), to: Number(match?.[2]) };
    })
    .refine((range) => range.from <= range.to),
]);

export function statuses(text: OptionText) {
  const words = 'a list of status codes, each a number or a range such as "500-599"';
  return option(z.array(statusRange).max(100), text, value('list', words, 'statuses'));
}

/** What tells one error from another: `ECONNRESET`, `UND_ERR_SOCKET`, `ERR_TLS_CERT_ALTNAME_INVALID`. */
export function errorCodes(text: OptionText) {
  const schema = z.array(z.string().regex(/^\S{1,100}$/)).max(100);
  return option(schema, text, value('list', 'a list of error codes such as ECONNRESET'));
}

/** RFC 9110 §5.6.2; methods are case-sensitive, but nobody who writes `get` means anything but GET. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

export function methods(text: OptionText) {
  const method = z
    .string()
    .regex(TOKEN)
    .transform((name) => name.toUpperCase());
  return option(z.array(method).min(1).max(50), text, value('list', 'a list of HTTP methods such as GET'));
}

export function headerNames(text: OptionText) {
  const name = z
    .string()
    .regex(TOKEN)
    .transform((given) => given.toLowerCase());
  return option(z.array(name).max(100), text, value('list', 'a list of header names such as x-acme-who'));
}

/** About one connection and the framing of a message in it: whoever writes the message states them. */
const FRAMING = new Set([...HOP_BY_HOP, 'content-length']);

/** What steers a request: an id in it would break calls. What names the caller would be shown as an id. */
const RESERVED = new Set([...FRAMING, 'host', 'expect']);

export function headerNameOrOff(text: OptionText) {
  const name = z
    .string()
    .regex(TOKEN)
    .transform((given) => given.toLowerCase())
    .refine((given) => !RESERVED.has(given) && !namesCaller(given));
  const words = 'the name of a header such as x-request-id (none that HTTP itself or credentials need), or off';
  return option(z.union([OFF, name]), text, value('scalar', words));
}

export function headers(text: OptionText) {
  const fieldValue = z
    .string()
    .regex(/^[\t\x20-\x7e\x80-\xff]*$/)
    .max(8_192); // RFC 9110 §5.5
  const schema = z
    .record(z.string().regex(TOKEN), fieldValue)
    .refine((fields) => Object.keys(fields).every((name) => !FRAMING.has(name.toLowerCase())));
  const words = `a map of header names to texts, without ${[...FRAMING].join(', ')}`;
  return option(schema, text, value('pairs', words));
}

export function text(limits: { readonly max: number }, about: OptionText) {
  return option(z.string().max(limits.max), about, value('scalar', `a text of at most ${limits.max} characters`));
}

/** A name of the operator's choice, as telemetry will show it. */
export function label(about: OptionText) {
  const schema = z.string().regex(/^[^\p{Cc}\s](?:[^\p{Cc}]{0,198}[^\p{Cc}\s])?$/u);
  return option(schema, about, value('scalar', 'a name of 1 to 200 characters on one line'));
}

export function anyJson(about: OptionText) {
  return option(z.json(), about, value('json', 'a value that JSON can hold'));
}
