import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isVendorExport } from '../../src/bootstrap/vendor-exports.ts';

describe('Exports of vendors’ agents', () => {
  for (const [what, port, path] of [
    ['Datadog, to its agent', 8126, '/info'],
    ['Datadog, traces to an agent elsewhere', 80, '/v0.5/traces'],
    ['Datadog, statistics', 80, '/v0.6/stats'],
    ['Datadog, telemetry', 80, '/telemetry/proxy/api/v2/apmtelemetry'],
    ['New Relic', 443, '/agent_listener/invoke_raw_method?marshal_format=json&method=connect'],
    ['Elastic APM, events', 8200, '/intake/v2/events'],
    ['Elastic APM, configuration', 8200, '/config/v1/agents?service.name=shop'],
    ['Sentry', 443, '/api/4507/envelope/?sentry_version=7&sentry_key=abc&sentry_client=node'],
  ] as const) {
    it(`are known: ${what}`, () => assert.equal(isVendorExport(port, path), true));
  }

  for (const path of [
    '/',
    '/v1/traces',
    '/v0.5/traceses',
    '/api/4507/envelope/',
    '/api/orders/1',
    '/config',
    '/intake',
  ]) {
    it(`are not what an app asks for: ${path}`, () => assert.equal(isVendorExport(443, path), false));
  }
});
