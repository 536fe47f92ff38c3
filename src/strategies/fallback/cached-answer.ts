import { endsAtHead, type Field } from '../../common/http-fields.ts';
import type { CallInfo, Substitute } from '../shared/contract.ts';
import type { Freshness } from './cache-policy.ts';
import type { StoredHead, StoredResponse } from './stored-response.ts';
import { notToBeStored, SOURCE_HEADER } from './substitute-marks.ts';

/** How this cache is called in `Cache-Status` (RFC 9211). */
const CACHE_NAME = 'opentelemetry-instrumentation-resilience';

/** What a 304 repeats of the answer it stands for (RFC 9110 §15.4.5). */
const IN_NOT_MODIFIED: ReadonlySet<string> = new Set([
  'cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
]);

/** Answers `call` with a stored response: whole, without its body (HEAD), or 304 if the app has it already. */
export function answerFrom(stored: StoredResponse, call: CallInfo, { ageMs, lifetimeMs }: Freshness): Substitute {
  const { head, body } = stored;
  // RFC 9111 section 4.2.
  const fresh = lifetimeMs > ageMs;
  const ttl = Math.floor((lifetimeMs - ageMs) / 1_000);
  const own: Field[] = [
    ['age', String(Math.floor(ageMs / 1_000))],
    ['cache-status', `${CACHE_NAME}; hit; ttl=${ttl}; detail=${fresh ? 'fresh' : 'stale-if-error'}`],
    [SOURCE_HEADER, 'cache'],
  ];
  if (isNotModified(head, call)) {
    // It brings a cache nothing that this one has not: as fresh or as stale as its age says.
    const repeated = head.fields.filter(([name]) => IN_NOT_MODIFIED.has(name));
    return { status: 304, headers: [...repeated, ...own], body: new Uint8Array() };
  }
  const kept = head.fields.filter(([name]) => name !== 'age');
  // What is fresh may be stored for as long as the upstream said, less its age. What is stale is for this call only.
  const fields = fresh ? kept : notToBeStored(kept);
  const length: Field[] = endsAtHead(head.status) ? [] : [['content-length', String(body.byteLength)]];
  return {
    status: head.status,
    headers: [...fields, ...length, ...own],
    // A copy: the app may write into what it gets.
    body: call.method === 'HEAD' ? new Uint8Array() : body.slice(),
  };
}

/** Whether the app's own condition says that it has this response (RFC 9111 §4.3.2). */
function isNotModified(head: StoredHead, call: CallInfo): boolean {
  if (head.status !== 200) return false;
  const noneMatch = call.header('if-none-match');
  if (noneMatch !== undefined) return matchesTag(noneMatch, head.header('etag'));
  const since = Date.parse(call.header('if-modified-since') ?? '');
  const modified = Date.parse(head.header('last-modified') ?? head.header('date') ?? '');
  // An unreadable date compares false.
  return modified <= since;
}

/** Weak comparison (RFC 9110 §13.1.2). */
function matchesTag(noneMatch: string, etag: string | undefined): boolean {
  if (noneMatch.trim() === '*') return true;
  if (etag === undefined) return false;
  const tags: readonly string[] = noneMatch.match(/"[^"]*"|[^,\s"]+/g) ?? [];
  return tags.includes(etag.trim().replace(/^W\//, ''));
}
