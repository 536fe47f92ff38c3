import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { Upstream } from '../support/upstream.ts';
import { runApp } from './run-app.ts';

const REFUSED = 'CircuitOpenError,ERR_RESILIENCE_CIRCUIT_OPEN,true,true';

/** What the fixture api.mjs finds where every call is answered with 503 and two failures open the circuit. */
const API_SHOWS = (url: string): string[] => [
  'before 0 undefined',
  'closed closed 503',
  `forced forced_open ${REFUSED} ${REFUSED}`,
  'forced forced_closed 503 503 503',
  `reset closed 503 503 ${REFUSED}`,
  `upstream ${url} default 1 {"circuit_open":3}`,
  'circuit open 2',
  'forgotten 0 503 503',
  'disabled 0 503 503',
];

describe('the public API, used by an ES module', function () {
  this.timeout(60_000);
  let upstream: Upstream;
  before(async () => {
    upstream = await Upstream.start();
    upstream.status = 503;
  });
  after(() => upstream.close());

  it('shows and steers circuits through calls of both clients, and lets go of them when disabled', async () => {
    const { code, stdout, stderr } = await runApp('api.mjs', { preloads: [], args: [upstream.url] });
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(stdout.trim().split('\n'), API_SHOWS(upstream.url));
  });
});
