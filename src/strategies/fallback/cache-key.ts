import { createHash } from 'node:crypto';
import { formatAuthority } from '../../common/authority.ts';
import { namesCaller } from '../../common/caller-identity.ts';
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
  const caller = new Fields();
  const others = new Fields();
  for (const [name, value] of call.headers()) {
    if (namesCaller(name, rules.credentialHeaders)) caller.add(name, value);
    else if (isKeyed(name, rules)) others.add(name, value);
  }
  const credentials = call.credentials();
  // No field has a blank in its name.
  if (credentials !== undefined) caller.add('TLS or URL', credentials);
  if (call.pinned()) others.add('pinned to a place', '');
  return { url: urlOf(call), caller: caller.digest(), fields: others.digest() };
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

/** Header fields on their way into a hash. */
class Fields {
  readonly #values = new Map<string, string>();

  add(name: string, value: string): void {
    const before = this.#values.get(name);
    // Repeated fields mean the same as one with both values (RFC 9110 section 5.3).
    this.#values.set(name, before === undefined ? value : `${before}, ${value}`);
  }

  /** '' for no fields at all. Their order makes no difference. */
  digest(): string {
    if (this.#values.size === 0) return '';
    let text = '';
    for (const name of [...this.#values.keys()].sort()) {
      const value = this.#values.get(name) ?? '';
      // With their lengths, so that no two sets of fields read the same.
      text += `${name.length} ${name} ${value.length} ${value}\n`;
    }
    // UTF-8 would make one of all halves of surrogate pairs.
    return createHash('sha256').update(text, 'utf16le').digest('base64');
  }
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
