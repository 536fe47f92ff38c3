import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type ChangeFacts, episodesOf } from '../../src/status/episodes.ts';

type Told = readonly [state: string, previousState: string, reason: string];

const OPENED: Told = ['open', 'closed', 'failure_ratio'];
const PROBING: Told = ['half_open', 'open', 'open_elapsed'];
const FAILED: Told = ['open', 'half_open', 'probe_failed'];
const CLOSED: Told = ['closed', 'half_open', 'probes_succeeded'];

function changes(told: readonly Told[], mode = 'enforce', name = 'a'): ChangeFacts[] {
  return told
    .map(([state, previousState, reason], index) => {
      const ids = { id: index + 1, at: 1000 * index, traceId: null, requestId: null };
      return { ...ids, type: 'circuit', policy: 'p', mode, name, state, previousState, reason, ratio: 0.52 };
    })
    .toReversed();
}

const texts = (told: readonly Told[], mode?: string): string[] =>
  episodesOf(changes(told, mode)).map(({ text }) => text);

describe('the story of changes', () => {
  it('tells failed probes together, with their number, as of the last one', () => {
    const outage = [OPENED, PROBING, FAILED, PROBING, FAILED, PROBING, FAILED, PROBING, FAILED];
    assert.deepEqual(texts(outage), ['4 probes failed', 'opened: 52 % of the attempts failed']);
    assert.equal(episodesOf(changes(outage))[0]?.last.at, 8_000);
  });

  it('tells of probing only while it lasts', () => {
    assert.equal(texts([OPENED, PROBING])[0], 'half-open, probing');
    assert.deepEqual(texts([OPENED, PROBING, FAILED, PROBING, CLOSED]), [
      'closed again: probes succeeded',
      '1 probe failed',
      'opened: 52 % of the attempts failed',
    ]);
  });

  it('begins to count anew with the next outage', () => {
    const outage = [OPENED, PROBING, FAILED, PROBING, CLOSED];
    assert.equal(texts([...outage, ...outage]).filter((text) => text === '1 probe failed').length, 2);
  });

  it('keeps the probes of circuits apart', () => {
    const two = [...changes([OPENED, PROBING, FAILED]), ...changes([OPENED, PROBING, FAILED], 'enforce', 'b')];
    assert.equal(episodesOf(two).filter(({ text }) => text === '1 probe failed').length, 2);
  });

  it('says what observe mode would have done, in the tone of no trouble', () => {
    assert.deepEqual(texts([OPENED], 'observe'), ['would have opened: 52 % of the attempts failed']);
    assert.deepEqual(
      new Set(episodesOf(changes([OPENED, PROBING, FAILED], 'observe')).map(({ tone }) => tone)),
      new Set(['note']),
    );
  });
});
