import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { isVendorExport } from '../../src/bootstrap/vendor-exports.ts';
import { runApp } from '../e2e/run-app.ts';
import { Upstream } from '../support/upstream.ts';

const OTLP = { 'User-Agent': 'OTel-OTLP-Exporter-JavaScript/0.223.0' };
const NAMED_OTLP = { 'user-agent': 'shop/1.2 OTel-OTLP-Exporter-JavaScript/0.301.0' };
const ELASTIC = { 'user-agent': 'apm-agent-nodejs/4.15.0 (shop)' };
const BROWSER = { 'user-agent': 'Mozilla/5.0 (like apm-agent-nodejs/4, OTel-OTLP-Exporter-JavaScript)' };

/** Whatever origin they are sent to. */
const EXPORTS: ReadonlyArray<readonly [what: string, path: string, fields?: Record<string, string>]> = [
  ['Datadog, traces', '/v0.5/traces'],
  ['Datadog, traces of a later protocol', '/v1.0/traces'],
  ['Datadog, statistics', '/v0.6/stats'],
  ['Datadog, telemetry', '/telemetry/proxy/api/v2/apmtelemetry'],
  ['Datadog, metrics', '/dogstatsd/v2/proxy'],
  ['New Relic', '/agent_listener/invoke_raw_method?marshal_format=json&method=connect'],
  ['Elastic APM, events', '/intake/v2/events'],
  ['Elastic APM, configuration', '/config/v1/agents?service.name=shop'],
  ['Elastic APM, the version of its server', '/', ELASTIC],
  ['Sentry', '/api/4507/envelope/?sentry_version=7&sentry_key=abc&sentry_client=node'],
  ['OTLP, traces', '/v1/traces', OTLP],
  ['OTLP, metrics below a path', '/otlp/v1/metrics', OTLP],
  ['OTLP, logs, with a key in the query', '/v1/logs?key=1', NAMED_OTLP],
];

const LOOK_ALIKES: typeof EXPORTS = [
  ['the root', '/'],
  ['the root, by another agent', '/', BROWSER],
  ['a path of OTLP, by somebody else', '/v1/traces'],
  ['a path of OTLP, by somebody who tells of it', '/v1/traces', BROWSER],
  ['a longer path, by an exporter', '/v1/traces/42', OTLP],
  ['any path, by an exporter', '/v1/orders', OTLP],
  ['a path that begins like one of Datadog', '/v0.5/traceses'],
  ['the path of what an agent of Datadog can do', '/info'],
  ['an envelope without a key', '/api/4507/envelope/'],
  ['an API', '/api/orders/1'],
  ['a configuration', '/config'],
  ['an intake', '/intake'],
];

describe('Exports of telemetry', function () {
  this.timeout(60_000);
  let upstream: Upstream;
  beforeEach(async () => {
    upstream = await Upstream.start();
  });
  afterEach(() => upstream.close());

  const outcomes = async (cases: typeof EXPORTS): Promise<{ outcomes: unknown[][]; exporter: unknown }> => {
    const asked = JSON.stringify(cases.map(([, path, fields = {}]) => [path, fields]));
    const { code, stdout, stderr } = await runApp('exports.cjs', { args: [upstream.url, asked] });
    assert.deepEqual([code, stderr], [0, '']);
    return JSON.parse(stdout) as { outcomes: unknown[][]; exporter: unknown };
  };

  it('pass by the open circuit of their origin, over http, fetch and undici', async () => {
    const { outcomes: got, exporter } = await outcomes(EXPORTS);
    for (const [index, [what]] of EXPORTS.entries())
      assert.deepEqual([what, ...(got[index] ?? [])], [what, 200, 200, 200]);
    assert.equal(exporter, 'exported', 'an exporter of an SDK without a context manager');
  });

  it('are not what looks a little like them: that is refused', async () => {
    const { outcomes: got } = await outcomes(LOOK_ALIKES);
    const refused = Array(3).fill('ERR_RESILIENCE_CIRCUIT_OPEN');
    for (const [index, [what]] of LOOK_ALIKES.entries())
      assert.deepEqual([what, ...(got[index] ?? [])], [what, ...refused]);
  });

  it('include the question to an agent of Datadog what it can do, at its port', () => {
    assert.equal(isVendorExport(8126, '/info', undefined), true);
    assert.equal(isVendorExport(8126, '/orders', undefined), false);
    assert.equal(isVendorExport(443, '/info', undefined), false);
  });

  it('are known by headers in whatever form a client takes them', () => {
    for (const fields of [
      { 'USER-AGENT': OTLP['User-Agent'] },
      ['accept', '*/*', 'User-Agent', OTLP['User-Agent']],
      [['User-Agent', OTLP['User-Agent']]],
    ]) {
      assert.equal(isVendorExport(4318, '/v1/traces', fields), true);
    }
    for (const fields of [undefined, null, 'User-Agent', [], [undefined], {}, { 'user-agent': undefined }]) {
      assert.equal(isVendorExport(4318, '/v1/traces', fields), false);
    }
  });
});
