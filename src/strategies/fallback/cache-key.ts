import { hash } from 'node:crypto';
import { formatAuthority } from '../../common/authority.ts';
import { namesCaller } from '../../common/caller-identity.ts';
import type { Field } from '../../common/http-fields.ts';
import type { CallInfo } from '../shared/contract.ts';
import { isHarmless } from './harmless-headers.ts';

/** What the configuration says of header names, all in lower case. */
export interface KeyRules {
  /** Name the caller, besides those whose names tell. */
  readonly credentialHeaders: ReadonlySet<string>;
  /** Do not choose the response, besides the known harmless ones. */
  readonly ignoredHeaders: ReadonlySet<string>;
}

/** Who asks for nobody in particular. */
export const ANYONE = '';

/** What the cache knows a request by. Credentials are in it as hashes only. */
export interface RequestKey {
  /** Scheme, place, site, path and query. */
  readonly url: string;
  /** A hash of all that says for whom the request is; `ANYONE` where nothing does. */
  readonly caller: string;
  /** A hash of every other field but the harmless ones, for one of them may name the caller after all. */
  readonly fields: string;
}

/** The key of a request as its headers are now. */
export function keyOf(call: CallInfo, rules: KeyRules): RequestKey {
  const caller: Field[] = [];
  const others: Field[] = [];
  for (const field of call.headers()) {
    if (namesCaller(field[0], rules.credentialHeaders)) caller.push(field);
    else if (isKeyed(field[0], rules)) others.push(field);
  }
  const credentials = call.credentials();
  // No field has a blank in its name.
  if (credentials !== undefined) caller.push(['TLS or URL', credentials]);
  if (call.pinned()) others.push(['pinned to a place', '']);
  return { url: urlOf(call), caller: digest(caller), fields: digest(others) };
}

/** The target of a call. The `Host` field counts too: behind one address there may be several sites. */
export function urlOf(call: CallInfo): string {
  const host = call.host.toLowerCase();
  // Some clients state the field, some leave it to those below them.
  const site = call.header('host')?.toLowerCase() ?? formatAuthority(call.protocol, host, call.port);
  return `${call.protocol}//${host} ${call.port} ${site} ${call.path}`;
}

function isKeyed(name: string, rules: KeyRules): boolean {
  return !isHarmless(name) && !rules.ignoredHeaders.has(name);
}

/** A hash of fields, in whatever order they come; '' of none. */
function digest(fields: Field[]): string {
  if (fields.length === 0) return '';
  fields.sort(([one], [other]) => (one < other ? -1 : Number(one > other)));
  let text = '';
  for (let i = 0; i < fields.length; i++) {
    const [name, value] = fields[i] as Field;
    let joined = value;
    // Repeated fields mean the same as one with all their values (RFC 9110 section 5.3).
    while (fields[i + 1]?.[0] === name) joined += `, ${(fields[++i] as Field)[1]}`;
    // With their lengths, so that no two sets of fields read the same.
    text += `${name.length} ${name} ${joined.length} ${joined}\n`;
  }
  // UTF-8 has no form for halves of surrogate pairs: they would all become the same.
  return hash('sha256', /\p{Surrogate}/u.test(text) ? JSON.stringify(text) : text, 'base64');
}

/** The harmless fields that a response was chosen by nevertheless, with their values. */
export type Selection = ReadonlyArray<readonly [name: string, value: string | undefined]>;

/** What `Vary` makes of a request; undefined for `*`, which no other request ever matches (RFC 9111 §4.1). */
export function selectionOf(call: CallInfo, vary: string | undefined, rules: KeyRules): Selection | undefined {
  const names = new Set(
    (vary ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  if (names.has('*')) return undefined;
  names.delete('');
  const selection: Array<readonly [string, string | undefined]> = [];
  // All others have their place in the key already, as a hash.
  for (const name of names) {
    if (!namesCaller(name, rules.credentialHeaders) && !isKeyed(name, rules)) selection.push([name, call.header(name)]);
  }
  return selection;
}

/** What tells the responses to one caller's requests for one URL apart. */
export interface Variant {
  readonly fields: string;
  readonly selection: Selection;
}

/** Whether a stored response was chosen by what this request says, too. */
export function isVariantFor(variant: Variant, key: RequestKey, call: CallInfo): boolean {
  return variant.fields === key.fields && variant.selection.every(([name, value]) => call.header(name) === value);
}

export function isSameVariant(one: Variant, other: Variant): boolean {
  if (one.fields !== other.fields || one.selection.length !== other.selection.length) return false;
  const values = new Map(other.selection);
  return one.selection.every(([name, value]) => values.has(name) && values.get(name) === value);
}
