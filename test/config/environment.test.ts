import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { variableOptions } from '../../src/config/environment.ts';
import type { Policy } from '../../src/strategies/shared/policy.ts';
import { basicsOf, loadEnv, policyOf } from './harness.ts';

describe('options in the environment', () => {
  const cases: readonly (readonly [Record<string, string>, (policy: Policy) => unknown, unknown])[] = [
    [{ CIRCUIT_BREAKER_MINIMUM_CALLS: '5' }, (p) => p.circuitBreaker?.minimumCalls, 5],
    [{ CIRCUIT_BREAKER: 'false' }, (p) => p.circuitBreaker, undefined],
    [{ CIRCUIT_BREAKER: 'OFF', CIRCUIT_BREAKER_MINIMUM_CALLS: '5' }, (p) => p.circuitBreaker, undefined],
    [{ CIRCUIT_BREAKER_CONSECUTIVE_FAILURES: 'off' }, (p) => p.circuitBreaker?.consecutiveFailures, undefined],
    [{ CIRCUIT_BREAKER_SLOW_CALL: 'TRUE' }, (p) => p.circuitBreaker?.slowCall?.ratio, 0.8],
    [{ CIRCUIT_BREAKER_SLOW_CALL_RATIO: '0.25' }, (p) => p.circuitBreaker?.slowCall?.ratio, 0.25],
    [{ CIRCUIT_BREAKER_OPEN_MAX_DURATION: '1m' }, (p) => p.circuitBreaker?.open.maxDurationMs, 60_000],
    [{ CIRCUIT_BREAKER_HALF_OPEN_LEASE: '500' }, (p) => p.circuitBreaker?.halfOpen.leaseMs, 500],
    [{ TIMEOUT_ATTEMPT: ' 3s ' }, (p) => p.timeout?.attemptMs, 3_000],
    [{ TIMEOUT: 'on' }, (p) => p.timeout?.totalMs, 30_000],
    [
      { TIMEOUT_IDLE: 'off', TIMEOUT_TOTAL: 'false' },
      (p) => [p.timeout?.idleMs, p.timeout?.totalMs],
      [undefined, undefined],
    ],
    [{ RETRY: 'true', RETRY_METHODS: 'get, PUT' }, (p) => p.retry?.methods, ['GET', 'PUT']],
    [{ RETRY_METHODS: 'GET', RETRY: 'true' }, (p) => p.retry?.methods, ['GET']],
    [
      { RETRY_STATUSES: '408,520-522' },
      (p) => p.retry?.statuses,
      [
        { from: 408, to: 408 },
        { from: 520, to: 522 },
      ],
    ],
    [{ RETRY_MAX_REPLAY_BYTES: '1MiB' }, (p) => p.retry?.maxReplayBytes, 1_048_576],
    [{ RETRY_RESPECT_RETRY_AFTER: 'False' }, (p) => p.retry?.respectRetryAfter, false],
    [{ RETRY_BUDGET_MIN_PER_SECOND: '0.5' }, (p) => p.retry?.budget.minPerSecond, 0.5],
    [{ FAILURE_IGNORE_CODES: 'ECONNRESET' }, (p) => p.verdict.ignore.codes, ['ECONNRESET']],
    [{ HEALTH_PROBE_INTERVAL: '1s' }, (p) => p.health.probeIntervalMs, 1_000],
    [{ RATE_LIMITER_PERMITS: '7' }, (p) => p.rateLimiter?.permits, 7],
    [{ PRESET: 'standard' }, (p) => p.bulkhead?.maxConcurrent, 100],
    [{ PRESET: 'interactive' }, (p) => p.hedge?.maxHedges, 1],
    [{ HEDGE_DELAY: 'p99' }, (p) => p.hedge?.delay, { kind: 'quantile', share: 0.99 }],
    [{ HEDGE_DELAY: '80ms' }, (p) => p.hedge?.delay, { kind: 'fixed', ms: 80 }],
    [{ PRESET: 'standard', RETRY: 'false' }, (p) => [p.retry, p.bulkhead?.maxQueue], [undefined, 0]],
    [
      { FALLBACK_ENDPOINTS: 'https://a.example:8443/v1/, http://[::1]' },
      (p) => p.fallback?.endpoints.map((e) => [e.protocol, e.host, e.port, e.basePath]),
      [
        ['https:', 'a.example', 8443, '/v1'],
        ['http:', '::1', 80, ''],
      ],
    ],
    [
      { FALLBACK_FORWARD_CREDENTIALS: 'true', FALLBACK_ENDPOINTS: 'http://a' },
      (p) => p.fallback?.endpoints[0]?.forwardCredentials,
      true,
    ],
    [{ FALLBACK_CACHE: 'true' }, (p) => p.fallback?.cache?.private, false],
    [
      { FALLBACK_RESPONSE_STATUS: '503', FALLBACK_RESPONSE_BODY: '5' },
      (p) => [p.fallback?.response?.status, p.fallback?.response?.body],
      [503, '5'],
    ],
    [
      { FALLBACK_RESPONSE_HEADERS: 'retry-after=5, x-note=a%2C%20b' },
      (p) => p.fallback?.response?.headers,
      { 'retry-after': '5', 'x-note': 'a, b' },
    ],
    [{ FALLBACK_RESPONSE_JSON: `{"id":"\${query.id}"}` }, (p) => p.fallback?.response?.json, { id: `\${query.id}` }],
    [{ TIMEOUT_ATTEMPT: '', RETRY: '  ' }, (p) => [p.timeout, p.retry], [undefined, undefined]],
  ];
  for (const [variables, pick, expected] of cases) {
    const text = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    it(`${text.join(' ')} gives the default policy ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(pick(policyOf(loadEnv(variables))), expected);
    });
  }

  it('keeps the built-in circuit breaker beside what is set', () => {
    assert.ok(policyOf(loadEnv({ TIMEOUT: 'true' })).circuitBreaker);
  });

  it('has one variable for each option of a policy, none of them ambiguous', () => {
    const variables = [...variableOptions().values()];
    const paths = variables.map(({ path }) => path.join('.'));
    assert.equal(new Set(paths).size, paths.length);
    for (const path of ['circuit_breaker.window.type', 'failure.ignore.statuses', 'fallback.cache', 'upstreams.max']) {
      assert.ok(paths.includes(path), path);
    }
    assert.ok(!paths.includes('fallback.handler'));
  });
});

describe('variables that are wrong', () => {
  for (const [name, value, message] of [
    ['RETRY', 'maybe', 'expected true or false, got "maybe"'],
    ['RETRY_RESPECT_RETRY_AFTER', '1', 'expected true or false, got "1"'],
    ['RETRY_MAX_RETRIES', 'NaN', 'expected a whole number from 0 to 10, got "NaN"'],
    ['RETRY_MAX_RETRIES', '1e1', 'expected a whole number from 0 to 10, got "1e1"'],
    [
      'RETRY_METHODS',
      ',',
      'expected a list of HTTP methods such as GET, got an empty list: `retry: false` switches retries off',
    ],
    ['PRESET', 'standart', 'expected standard or interactive, got "standart" (did you mean standard?)'],
    ['RETRY', 'flase', 'expected true or false, got "flase" (did you mean false?)'],
    ['FALLBACK_RESPONSE_JSON', '{', 'expected a value that JSON can hold'],
    ['PRESET', 'none', 'expected standard or interactive, got "none"'],
  ] as const) {
    it(`${name}=${value} is a problem, and the default policy is off`, () => {
      const config = loadEnv({ [name]: value });
      assert.deepEqual(basicsOf(config), [{ path: `OTEL_RESILIENCE_${name}`, message, source: 'environment' }]);
      assert.equal(config.policies.size, 0);
    });
  }

  for (const [name, message] of [
    ['CIRCUIT_BREAKER_MINIMUM_CALL', 'unknown variable (did you mean OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS?)'],
    ['CONFIGFILE', 'unknown variable (did you mean OTEL_RESILIENCE_CONFIG_FILE?)'],
    ['SOMETHING_ELSE_ENTIRELY', 'unknown variable'],
    ['FALLBACK_HANDLER', 'unknown variable'],
  ] as const) {
    it(`${name} is told to be unknown, and changes nothing`, () => {
      const config = loadEnv({ [name]: '5' });
      assert.deepEqual(basicsOf(config), [{ path: `OTEL_RESILIENCE_${name}`, message, source: 'environment' }]);
      assert.ok(config.policies.get('default')?.circuitBreaker);
    });
  }

  for (const [name, value] of [
    ['ENABLED', 'yes'],
    ['SDK', 'maybe'],
    ['EVENT_SIGNAL', 'spans'],
    ['LOG', 'xml'],
  ] as const) {
    it(`${name}=${value} is a problem of its own`, () => {
      const config = loadEnv({ [name]: value });
      assert.deepEqual(
        config.problems.map(({ path }) => path),
        [`OTEL_RESILIENCE_${name}`],
      );
      assert.equal(config.enabled, name !== 'ENABLED');
      assert.deepEqual(
        [config.settings.sdk, config.settings.eventSignal, config.settings.log],
        ['auto', 'logs/dup', 'auto'],
      );
    });
  }

  it('never show what may be a password', () => {
    const { problems } = loadEnv({ FALLBACK_ENDPOINTS: 'https://user:secret@a.example' });
    assert.equal(problems.length, 1);
    assert.doesNotMatch(JSON.stringify(problems), /secret/);
  });
});

describe('variables of other parts', () => {
  it('are left to them', () => {
    assert.deepEqual(loadEnv({ STATUS: '/tmp/x', STATUS_TOKEN: 'y' }).problems, []);
  });
});
