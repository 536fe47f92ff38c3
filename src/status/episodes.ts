import { countText, percentText, type Tone, words } from './situation.ts';

/** A change of state as `/status` tells it, and as far as it is needed here. */
export interface ChangeFacts {
  readonly id: number;
  readonly at: number;
  readonly type: string;
  readonly policy: string;
  readonly mode: string;
  readonly name: string;
  readonly state: string;
  readonly previousState: string;
  readonly reason: string;
  readonly ratio: number | null;
  readonly traceId: string | null;
  readonly requestId: string | null;
}

/** What a reader is told of one change, or of several that say the same. */
export interface Episode {
  /** That of the first change in it, so that an episode that grows keeps its own. */
  readonly id: number;
  readonly name: string;
  readonly tone: Tone;
  readonly text: string;
  /** The latest change in it. */
  readonly last: ChangeFacts;
}

interface Growing {
  id: number;
  failedProbes: number;
  text: string;
  last: ChangeFacts;
}

interface Circuit {
  /** Failed probes of this outage, together. */
  failed?: Growing;
  /** A probe that has not ended yet. */
  probing?: Growing;
}

/**
 * Changes as a story, newest first: an outage with ten failed probes is twenty changes, and three things to tell. Probes
 * that fail one after another are one entry, with their number; a half-open state is told only while it lasts.
 */
export function episodesOf(newestFirst: readonly ChangeFacts[]): Episode[] {
  const told = new Set<Growing>();
  const circuits = new Map<string, Circuit>();
  for (const change of newestFirst.toReversed()) {
    const entry: Growing = { id: change.id, failedProbes: 0, text: textOf(change), last: change };
    if (change.type !== 'circuit') {
      told.add(entry);
      continue;
    }
    const key = `${change.policy}\n${change.name}`;
    const circuit = circuits.get(key) ?? {};
    circuits.set(key, circuit);
    if (circuit.probing !== undefined) told.delete(circuit.probing);
    delete circuit.probing;
    if (change.reason === 'probe_failed') {
      const failed = circuit.failed ?? entry;
      circuit.failed = failed;
      failed.failedProbes++;
      failed.last = change;
      told.add(failed);
    } else {
      if (change.state === 'half_open') circuit.probing = entry;
      else delete circuit.failed;
      told.add(entry);
    }
  }
  return Array.from(told, finished).toSorted((a, b) => b.last.id - a.last.id);
}

function finished({ id, failedProbes, text, last }: Growing): Episode {
  const probes = failedProbes === 1 ? '1 probe failed' : `${countText(failedProbes)} probes failed`;
  return { id, name: last.name, tone: toneOf(last), text: failedProbes > 0 ? probes : text, last };
}

function toneOf({ mode, state }: ChangeFacts): Tone {
  if (mode === 'observe') return 'note';
  if (state === 'open' || state === 'forced_open') return 'bad';
  if (state === 'half_open' || state === 'unhealthy') return 'warn';
  return state === 'forced_closed' ? 'note' : 'ok';
}

function textOf({ mode, state, previousState, reason, ratio }: ChangeFacts): string {
  const share = ratio === null ? '' : percentText(ratio);
  const would = mode === 'observe';
  switch (state) {
    case 'open':
      return `${would ? 'would have opened' : 'opened'}: ${causeOf(reason, share)}`;
    case 'half_open':
      return reason === 'manual' ? 'half-open: probe now, by hand' : `${would ? 'would be ' : ''}half-open, probing`;
    case 'closed':
      if (reason === 'manual') return `reset by hand, was ${words(previousState)}`;
      return would ? 'would have closed again' : 'closed again: probes succeeded';
    case 'forced_open':
    case 'forced_closed':
      return `${words(state)} by hand`;
    case 'unhealthy':
      return `unhealthy: ${share === '' ? 'too many' : share} of the last calls failed`;
    case 'healthy':
      return 'healthy again';
    default:
      return `${words(previousState)} → ${words(state)}: ${words(reason)}`;
  }
}

function causeOf(reason: string, share: string): string {
  if (reason === 'failure_ratio') return `${share === '' ? 'too many' : share} of the attempts failed`;
  if (reason === 'slow_call_ratio') return 'too many slow calls';
  return reason === 'consecutive_failures' ? 'too many failures in a row' : words(reason);
}
