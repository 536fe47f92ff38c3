import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { headlineOf } from '../../src/status/headline.ts';
import { bySeverity, type CircuitFacts, kindOf, situationOf, type UpstreamFacts } from '../../src/status/situation.ts';

const AT = Date.UTC(2026, 0, 1, 12, 0, 0);
const timeOf = (at: number): string => new Date(at).toISOString().slice(11, 19);

const circuit = (state: string, more: Partial<CircuitFacts> = {}): CircuitFacts => {
  const outage = state === 'closed' ? {} : { outageMs: 60_000, rejectedInOutage: 1_692 };
  return {
    name: 'x',
    state,
    retryAfterMs: state === 'open' ? 113_000 : 0,
    outageMs: 0,
    rejectedInOutage: 0,
    ...outage,
    ...more,
  };
};

const upstream = (name: string, state: string, more: Partial<UpstreamFacts> = {}): UpstreamFacts => ({
  upstream: name,
  mode: 'enforce',
  circuits: [circuit(state)],
  errorRatio: 0.05,
  unhealthy: state === 'open',
  ...more,
});

const WELL = ['users', 'search', 'mail'].map((name) => upstream(name, 'closed'));
const headline = (...more: UpstreamFacts[]) => headlineOf([...WELL, ...more], AT, timeOf);

describe('the headline', () => {
  it('names the one upstream that is open, since when, what it cost, and when it is tried again', () => {
    assert.deepEqual(headline(upstream('payments', 'open')), {
      tone: 'bad',
      title: '1 of 4 upstreams open: payments',
      detail: 'since 11:59:00, 1,692 refused, next probe in 113 s',
      short: '1 open',
    });
  });

  it('adds up several, and tells what else there is', () => {
    const { title, detail } = headline(upstream('a', 'open'), upstream('b', 'forced_open'), upstream('c', 'half_open'));
    assert.equal(title, '2 of 6 upstreams open: a, b');
    assert.equal(detail, 'since 11:59:00, 3,384 refused, next probe in 113 s; half-open: c');
  });

  it('tells nothing of observe mode as an outage', () => {
    for (const state of ['open', 'half_open', 'forced_open']) {
      const { tone, title, detail } = headline(upstream('payments', state, { mode: 'observe', unhealthy: true }));
      assert.equal(tone, 'note');
      assert.equal(title, 'Observe mode: 1 of 4 upstreams would be open: payments');
      assert.match(detail, /1,692 would have been refused$/);
    }
  });

  it('says that all is well in one line', () => {
    assert.deepEqual(headline(), { tone: 'ok', title: '3 upstreams, all closed and healthy', detail: '', short: '' });
    assert.equal(headlineOf([], AT, timeOf).title, 'No upstream has been called yet');
  });

  it('never calls an open circuit well, whatever the monitor says', () => {
    for (const state of ['open', 'forced_open', 'half_open']) {
      for (const unhealthy of [true, false]) {
        assert.notEqual(headline(upstream('a', state, { unhealthy })).tone, 'ok');
        assert.notEqual(situationOf(upstream('a', state, { unhealthy }), AT, timeOf).tone, 'ok');
      }
    }
  });
});

describe('the order of upstreams', () => {
  it('names several in the order of the rows', () => {
    const { title } = headlineOf([upstream('search', 'open'), upstream('payments', 'open')], AT, timeOf);
    assert.equal(title, '2 of 2 upstreams open: payments, search');
  });

  it('has the worst first, and names among equals', () => {
    const all = [
      upstream('well', 'closed'),
      upstream('endpoint', 'closed', { circuits: [circuit('closed'), circuit('open')] }),
      upstream('observed', 'open', { mode: 'observe' }),
      upstream('ill', 'closed', { unhealthy: true }),
      upstream('probing', 'half_open'),
      upstream('z', 'open'),
      upstream('a', 'forced_open'),
      upstream('none', 'closed', { circuits: [] }),
    ];
    assert.deepEqual(
      all.toSorted(bySeverity).map(({ upstream: name }) => name),
      ['a', 'z', 'probing', 'ill', 'endpoint', 'observed', 'well', 'none'],
    );
    assert.equal(kindOf(upstream('x', 'forced_closed')), 'forced_closed');
  });
});
