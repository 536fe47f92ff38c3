import { createHash } from 'node:crypto';
import type { CallInfo } from '../shared/contract.ts';

/**
 * Request fields that say for whom a request is made. RFC 9111 §3.5 knows `Authorization` only; the others are common
 * ways to do the same, and an answer to one caller must never reach another.
 */
const CALLER_FIELDS = [
  'authorization',
  'cookie',
  'x-api-key',
  'x-auth-token',
  'x-access-token',
  'x-amz-security-token',
  'x-forwarded-user',
  'x-user-id',
  'x-tenant-id',
] as const;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

const CALLER_FIELD_NAMES: ReadonlySet<string> = new Set(CALLER_FIELDS);

/** Who asks for nobody in particular. */
export const ANYONE = '';

/** The target of a call. The `Host` field counts too: behind one address there may be several sites. */
export function urlOf(call: CallInfo): string {
  const host = call.host.toLowerCase();
  const usual = call.port === DEFAULT_PORTS[call.protocol];
  const literal = host.includes(':') ? `[${host}]` : host;
  // Some clients state the field, some leave it to those below them.
  const site = call.header('host')?.toLowerCase() ?? (usual ? literal : `${literal}:${call.port}`);
  return `${call.protocol}//${host} ${call.port} ${site} ${call.path}`;
}

/** Whether the request says for whom it is. */
export function namesCaller(call: CallInfo): boolean {
  return CALLER_FIELDS.some((name) => call.header(name) !== undefined);
}

/** A hash of all that says for whom the request is, so that no credential is kept; `ANYONE` where nothing does. */
export function callerOf(call: CallInfo): string {
  if (!namesCaller(call)) return ANYONE;
  const hash = createHash('sha256');
  for (const name of CALLER_FIELDS) {
    const value = call.header(name);
    // With its length, so that no two sets of values read the same.
    if (value !== undefined) hash.update(`${name}:${value.length}:${value}\n`);
  }
  return hash.digest('hex');
}

/** The request fields a response was chosen by, with their values. */
export type Selection = ReadonlyArray<readonly [name: string, value: string | undefined]>;

/** What `Vary` makes of a request; undefined for `*`, which no other request ever matches (RFC 9111 §4.1). */
export function selectionOf(call: CallInfo, vary: string | undefined): Selection | undefined {
  const names = new Set(
    (vary ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  if (names.has('*')) return undefined;
  names.delete('');
  const selection: Array<readonly [string, string | undefined]> = [];
  // Those that name the caller have their place in the key already, as a hash.
  for (const name of names) if (!CALLER_FIELD_NAMES.has(name)) selection.push([name, call.header(name)]);
  return selection;
}

export function selects(selection: Selection, call: CallInfo): boolean {
  return selection.every(([name, value]) => call.header(name) === value);
}

export function isSameSelection(one: Selection, other: Selection): boolean {
  if (one.length !== other.length) return false;
  const values = new Map(other);
  return one.every(([name, value]) => values.has(name) && values.get(name) === value);
}
