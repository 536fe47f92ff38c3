/**
 * How an upstream is, in the words of the page and of the command line. Imports nothing, as the page in the browser
 * shares it.
 */

/** What is told of one circuit: a part of a snapshot, of `/status`, or of what the command line read there. */
export interface CircuitFacts {
  readonly name: string;
  readonly state: string;
  readonly retryAfterMs: number;
  readonly outageMs: number;
  readonly rejectedInOutage: number;
}

export interface UpstreamFacts {
  readonly upstream: string;
  readonly mode: 'enforce' | 'observe';
  /** The primary's first. */
  readonly circuits: readonly CircuitFacts[];
  readonly errorRatio: number | null;
  readonly unhealthy: boolean;
}

/** `bad`: calls are refused; `warn`: something fails or is being tried; `note`: set or observed, and no trouble. */
export type Tone = 'bad' | 'warn' | 'note' | 'ok';

/** From the worst to the best. */
const KINDS = [
  'open',
  'half_open',
  'unhealthy',
  'endpoint_open',
  'would_be_open',
  'forced_closed',
  'closed',
  'no_breaker',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Situation {
  readonly kind: Kind;
  readonly tone: Tone;
  /** For a badge. */
  readonly label: string;
  /** Facts beside it, for a list with commas. Times are epoch milliseconds read with `timeOf`. */
  readonly details: readonly string[];
}

/** A moment, for the reader. */
export type TimeOf = (at: number) => string;

export const TONES: Readonly<Record<Kind, Tone>> = {
  open: 'bad',
  half_open: 'warn',
  unhealthy: 'warn',
  endpoint_open: 'warn',
  would_be_open: 'note',
  forced_closed: 'note',
  closed: 'ok',
  no_breaker: 'ok',
};

/** The worst first; names decide among equals, so that rows move only when something happened. */
export function bySeverity(a: UpstreamFacts, b: UpstreamFacts): number {
  const rank = KINDS.indexOf(kindOf(a)) - KINDS.indexOf(kindOf(b));
  if (rank !== 0) return rank;
  return a.upstream < b.upstream ? -1 : Number(a.upstream > b.upstream);
}

/** In observe mode nothing is refused, so that what would have been done is never told as an outage. */
export function kindOf(upstream: UpstreamFacts): Kind {
  const trouble = upstream.mode === 'observe' ? observedTrouble(upstream) : troubleOf(upstream);
  if (trouble !== undefined) return trouble;
  const [primary] = upstream.circuits;
  if (primary === undefined) return 'no_breaker';
  return primary.state === 'forced_closed' ? 'forced_closed' : 'closed';
}

function troubleOf({ circuits: [primary, ...endpoints], unhealthy }: UpstreamFacts): Kind | undefined {
  if (primary !== undefined && refuses(primary)) return 'open';
  if (primary?.state === 'half_open') return 'half_open';
  if (unhealthy) return 'unhealthy';
  return endpoints.some(refuses) ? 'endpoint_open' : undefined;
}

function observedTrouble({ circuits: [primary] }: UpstreamFacts): Kind | undefined {
  const wouldRefuse = primary !== undefined && (refuses(primary) || primary.state === 'half_open');
  return wouldRefuse ? 'would_be_open' : undefined;
}

function refuses({ state }: CircuitFacts): boolean {
  return state === 'open' || state === 'forced_open';
}

export function situationOf(upstream: UpstreamFacts, at: number, timeOf: TimeOf): Situation {
  const kind = kindOf(upstream);
  return { kind, tone: TONES[kind], label: labelOf(upstream, kind), details: detailsOf(upstream, kind, at, timeOf) };
}

function labelOf({ circuits }: UpstreamFacts, kind: Kind): string {
  const state = words(circuits[0]?.state ?? kind);
  if (kind === 'unhealthy') return 'unhealthy';
  return kind === 'would_be_open' ? `would be ${state}` : state;
}

function detailsOf({ mode, circuits, errorRatio, unhealthy }: UpstreamFacts, kind: Kind, at: number, timeOf: TimeOf) {
  const [primary, ...endpoints] = circuits;
  const details: string[] = [];
  if (primary !== undefined && (kind === 'open' || kind === 'half_open' || kind === 'would_be_open')) {
    if (primary.outageMs > 0) details.push(`since ${timeOf(at - primary.outageMs)}`);
    details.push(refusedText(primary.rejectedInOutage, mode));
    if (kind !== 'would_be_open') details.push(nextText(primary));
  }
  if (unhealthy && errorRatio !== null && (kind === 'unhealthy' || kind === 'closed' || kind === 'no_breaker')) {
    details.push(`${percentText(errorRatio)} of the last calls failed`);
  }
  const closedTo = endpoints.filter(({ state }) => state !== 'closed' && state !== 'forced_closed');
  for (const { name, state } of closedTo)
    details.push(`endpoint ${name.slice(name.lastIndexOf('/') + 1)} ${words(state)}`);
  if (mode === 'observe' && kind !== 'would_be_open') details.push('observe mode');
  return details;
}

export function refusedText(refused: number, mode: UpstreamFacts['mode']): string {
  return `${countText(refused)} ${mode === 'observe' ? 'would have been refused' : 'refused'}`;
}

/** What ends the outage. */
function nextText({ state, retryAfterMs }: CircuitFacts): string {
  if (state === 'forced_open') return 'until it is reset by hand';
  return state === 'open' && retryAfterMs > 0 ? `next probe in ${spanText(retryAfterMs)}` : 'the next call is a probe';
}

/** `half_open` is "half-open", as everybody writes it; of other names only the underscores go. */
export function words(name: string): string {
  return name === 'half_open' ? 'half-open' : name.replaceAll('_', ' ');
}

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function countText(value: number): string {
  return counts.format(value);
}

export function percentText(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio > 0 && ratio < 0.1 ? 1 : 0)} %`;
}

/** Seconds to two minutes, then minutes. */
export function spanText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
