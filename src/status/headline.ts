import {
  bySeverity,
  countText,
  type Kind,
  kindOf,
  refusedText,
  situationOf,
  spanText,
  type TimeOf,
  TONES,
  type Tone,
  type UpstreamFacts,
  words,
} from './situation.ts';

/** What is broken, for somebody who looks for three seconds. */
export interface Headline {
  readonly tone: Tone;
  readonly title: string;
  /** What is told below it; may be empty. */
  readonly detail: string;
  /** For the title of a tab; empty when all is well. */
  readonly short: string;
}

const MAX_NAMES = 4;

/** As they stand behind "3 of 20 upstreams". */
const STATES: Readonly<Record<Exclude<Kind, 'closed' | 'no_breaker'>, string>> = {
  open: 'open',
  half_open: 'half-open',
  unhealthy: 'unhealthy',
  endpoint_open: 'without a fallback endpoint',
  would_be_open: 'would be open',
  forced_closed: 'forced closed',
};
type Told = keyof typeof STATES;

/** The worst that is so of any upstream, by name; and what else there is. */
export function headlineOf(upstreams: readonly UpstreamFacts[], at: number, timeOf: TimeOf): Headline {
  // In the order of the rows below.
  const sorted = upstreams.toSorted(bySeverity);
  const groups = (Object.keys(STATES) as Told[])
    .map((kind) => ({ kind, members: sorted.filter((upstream) => kindOf(upstream) === kind) }))
    .filter(({ members }) => members.length > 0);
  const [worst, ...others] = groups;
  if (worst === undefined) return { tone: 'ok', title: wellText(upstreams), detail: '', short: '' };
  const { kind, members } = worst;
  const of = `${countText(members.length)} of ${countText(upstreams.length)} upstreams`;
  const facts =
    members.length === 1 ? situationOf(members[0] as UpstreamFacts, at, timeOf).details : together(members, at, timeOf);
  const also = others.map((other) => `${STATES[other.kind]}: ${namesOf(other.members)}`);
  const observed = kind === 'would_be_open' ? 'Observe mode: ' : '';
  return {
    tone: TONES[kind],
    title: `${observed}${of} ${STATES[kind]}: ${namesOf(members)}`,
    detail: [facts.join(', '), ...also].filter((part) => part !== '').join('; '),
    short: `${countText(members.length)} ${STATES[kind]}`,
  };
}

/** Of several: since when the first of them, all refusals, and the next probe of any. */
function together(members: readonly UpstreamFacts[], at: number, timeOf: TimeOf): string[] {
  const circuits = members.flatMap(({ circuits: [primary] }) => (primary === undefined ? [] : [primary]));
  const outages = circuits.filter(({ outageMs }) => outageMs > 0);
  if (outages.length === 0) return [];
  const longest = Math.max(...outages.map(({ outageMs }) => outageMs));
  const refused = outages.reduce((sum, { rejectedInOutage }) => sum + rejectedInOutage, 0);
  const [mode] = members.map((member) => member.mode);
  const waits = outages.map(({ retryAfterMs }) => retryAfterMs).filter((wait) => wait > 0);
  return [
    `since ${timeOf(at - longest)}`,
    refusedText(refused, mode ?? 'enforce'),
    ...(waits.length === 0 || mode === 'observe' ? [] : [`next probe in ${spanText(Math.min(...waits))}`]),
  ];
}

function namesOf(members: readonly UpstreamFacts[]): string {
  const names = members.slice(0, MAX_NAMES).map(({ upstream }) => upstream.replace(/^https?:\/\//, ''));
  const more = members.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${countText(more)} more` : names.join(', ');
}

function wellText(upstreams: readonly UpstreamFacts[]): string {
  const { length } = upstreams;
  if (length === 0) return 'No upstream has been called yet';
  const circuits = upstreams.every(({ circuits: [primary] }) => primary !== undefined);
  const well = circuits ? `${words('closed')} and healthy` : 'healthy, no circuit is open';
  return length === 1 ? `1 upstream, ${well}` : `${countText(length)} upstreams, all ${well}`;
}
