import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { LoadedConfig } from '../../src/config/load-config.ts';
import { basicsOf, loadCode, loadEnv, loadFile, originOf } from './harness.ts';

const OTHER = 'other: { retry: {} }';

/** Loads options of a policy beside a policy that is in order. */
function loadPolicy(options: string): LoadedConfig {
  return loadFile(`
policies: { default: {}, users: ${options}, ${OTHER} }
rules:
  - { match: { url: "http://users.example" }, policy: users }
  - { match: { url: "http://other.example" }, policy: other }`);
}

function lines({ problems }: LoadedConfig): string[] {
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('an option that is wrong', () => {
  const SWITCH = 'a map of options, true for the defaults, or false';
  const DURATION = 'a duration from 1ms to 24h (ms as a number, or 250ms, 3s, 5m, 1h)';
  for (const [options, path, message] of [
    ['{ circuit_braker: {} }', 'circuit_braker', 'unknown option (did you mean circuit_breaker?)'],
    ['{ circuitBreaker: {} }', 'circuitBreaker', 'unknown option (did you mean circuit_breaker?)'],
    ['{ xyz: {} }', 'xyz', 'unknown option'],
    ['{ "a b": 1 }', '["a b"]', 'unknown option'],
    ['{ circuit_breaker: 5 }', 'circuit_breaker', 'expected a map of options, true for the defaults, or false, got 5'],
    [
      '{ circuit_breaker: [] }',
      'circuit_breaker',
      'expected a map of options, true for the defaults, or false, got an empty list',
    ],
    ['{ health: false }', 'health', 'expected a map of options, got false'],
    ['{ preset: premium }', 'preset', 'expected standard or interactive, got "premium"'],
    ['{ timeout: { attempt: 3 seconds } }', 'timeout.attempt', `expected ${DURATION}, or off, got "3 seconds"`],
    ['{ timeout: { attempt: "" } }', 'timeout.attempt', `expected ${DURATION}, or off, got ""`],
    ['{ timeout: { attempt: 0 } }', 'timeout.attempt', `expected ${DURATION}, or off, got 0`],
    ['{ timeout: { attempt: -5s } }', 'timeout.attempt', `expected ${DURATION}, or off, got "-5s"`],
    ['{ timeout: { attempt: .nan } }', 'timeout.attempt', `expected ${DURATION}, or off, got NaN`],
    ['{ timeout: { attempt: .inf } }', 'timeout.attempt', `expected ${DURATION}, or off, got Infinity`],
    ['{ timeout: { attempt: 25h } }', 'timeout.attempt', `expected ${DURATION}, or off, got "25h"`],
    ['{ timeout: { attempt: null } }', 'timeout.attempt', `expected ${DURATION}, or off, got null`],
    ['{ timeout: { attempt: true } }', 'timeout.attempt', `expected ${DURATION}, or off, got true`],
    [
      '{ circuit_breaker: { minimum_calls: 2.5 } }',
      'circuit_breaker.minimum_calls',
      'expected a whole number from 1 to 100000, got 2.5',
    ],
    [
      '{ circuit_breaker: { minimum_calls: "5" } }',
      'circuit_breaker.minimum_calls',
      'expected a whole number from 1 to 100000, got "5"',
    ],
    [
      '{ circuit_breaker: { failure_ratio: 0 } }',
      'circuit_breaker.failure_ratio',
      'expected a number above 0, up to 1, got 0',
    ],
    [
      '{ circuit_breaker: { failure_ratio: 50 } }',
      'circuit_breaker.failure_ratio',
      'expected a number above 0, up to 1, got 50',
    ],
    [
      '{ circuit_breaker: { open: { jitter: 1 } } }',
      'circuit_breaker.open.jitter',
      'expected a number from 0, below 1, got 1',
    ],
    [
      '{ circuit_breaker: { open: { multiplier: 0.5 } } }',
      'circuit_breaker.open.multiplier',
      'expected a number from 1 to 10, got 0.5',
    ],
    [
      '{ circuit_breaker: { window: { type: sliding } } }',
      'circuit_breaker.window.type',
      'expected time or count, got "sliding"',
    ],
    [
      '{ circuit_breaker: { consecutive_failures: 0 } }',
      'circuit_breaker.consecutive_failures',
      'expected a whole number from 1 to 100000, or off, got 0',
    ],
    [
      '{ failure: { statuses: ["599-500"] } }',
      'failure.statuses',
      'expected a list of status codes, each a number or a range such as "500-599", got "599-500" in it',
    ],
    [
      '{ failure: { statuses: 500 } }',
      'failure.statuses',
      'expected a list of status codes, each a number or a range such as "500-599", got 500',
    ],
    [
      '{ failure: { codes: ["A B"] } }',
      'failure.codes',
      'expected a list of error codes such as ECONNRESET, got "A B" in it',
    ],
    ['{ retry: { max_retries: 11 } }', 'retry.max_retries', 'expected a whole number from 0 to 10, got 11'],
    [
      '{ retry: { methods: [] } }',
      'retry.methods',
      'expected a list of HTTP methods such as GET, got an empty list: `retry: false` switches retries off',
    ],
    ['{ retry: onn }', 'retry', `expected ${SWITCH}, got "onn" (did you mean on?)`],
    ['{ preset: standart }', 'preset', 'expected standard or interactive, got "standart" (did you mean standard?)'],
    ['{ timeout: { idle: of } }', 'timeout.idle', `expected ${DURATION}, or off, got "of" (did you mean off?)`],
    [
      '{ retry: { methods: ["GE T"] } }',
      'retry.methods',
      'expected a list of HTTP methods such as GET, got "GE T" in it',
    ],
    [
      '{ retry: { max_replay_bytes: 64KB } }',
      'retry.max_replay_bytes',
      'expected a size from 0 bytes to 64MiB (bytes as a number, or 64KiB, 1MiB), got "64KB"',
    ],
    [
      '{ bulkhead: { max_concurrent: 0 } }',
      'bulkhead.max_concurrent',
      'expected a whole number from 1 to 100000, got 0',
    ],
    [
      '{ bulkhead: { adaptive: { tolerance: 0.5 } } }',
      'bulkhead.adaptive.tolerance',
      'expected a number from 1 to 10, got 0.5',
    ],
    ['{ admission: { aggressiveness: 1 } }', 'admission.aggressiveness', 'expected a number from 1.1 to 100, got 1'],
    ['{ admission: { max_rejection: 1.5 } }', 'admission.max_rejection', 'expected a number from 0 to 1, got 1.5'],
    [
      '{ fallback: { cache: { max_bytes: 0 } } }',
      'fallback.cache.max_bytes',
      'expected a size from 1 bytes to 16GiB (bytes as a number, or 64KiB, 1MiB), got 0',
    ],
    [
      '{ fallback: { response: { status: 199 } } }',
      'fallback.response.status',
      'expected a whole number from 200 to 599, got 199',
    ],
    ['{ fallback: { handler: 5 } }', 'fallback.handler', 'unknown option'],
  ] as const) {
    it(`${options} is a problem at ${path}`, () => {
      const config = loadPolicy(options);
      const at = path.startsWith('[') ? `policies.users${path}` : `policies.users.${path}`;
      assert.deepEqual(basicsOf(config), [{ path: at, message, source: 'file' }]);
    });
  }

  for (const endpoint of [
    '/relative',
    'api.example',
    'ftp://a.example',
    'http:a.example',
    'https://',
    'https://user:secret@a.example',
    'https://a.example/?key=secret',
    'https://a.example/#part',
    'https://a.example/?',
    'https://a b',
    'https://a.example:99999',
  ]) {
    it(`a fallback endpoint ${endpoint} is a problem that does not repeat it`, () => {
      const config = loadPolicy(`{ fallback: { endpoints: ["https://good.example/base/", "${endpoint}"] } }`);
      assert.deepEqual(
        config.problems.map(({ path }) => path),
        ['policies.users.fallback.endpoints'],
      );
      assert.doesNotMatch(lines(config).join(), /secret/);
    });
  }

  for (const headers of ['{ "a b": x }', '{ a: "x\\ny" }', '{ content-length: "5" }', '{ a: 5 }', '[]']) {
    it(`fallback headers ${headers} are a problem`, () => {
      const { problems } = loadPolicy(`{ fallback: { response: { headers: ${headers} } } }`);
      assert.deepEqual(
        problems.map(({ path }) => path),
        ['policies.users.fallback.response.headers'],
      );
    });
  }
});

describe('options that contradict each other', () => {
  for (const [options, path, message] of [
    ['{ timeout: { attempt: 9s, total: 8s } }', 'timeout.attempt', '9s is longer than the total timeout of 8s'],
    [
      '{ timeout: { attempt: 3s }, circuit_breaker: { window: { duration: 5s } } }',
      'circuit_breaker.window.duration',
      '5s is shorter than twice the attempt timeout of 3s',
    ],
    [
      '{ preset: standard, circuit_breaker: { window: { duration: 5s } } }',
      'circuit_breaker.window.duration',
      '5s is shorter than twice the attempt timeout of 10s',
    ],
    [
      '{ circuit_breaker: { window: { type: count, size: 10 }, minimum_calls: 11 } }',
      'circuit_breaker.minimum_calls',
      '11 calls never fit the window of 10',
    ],
    [
      '{ circuit_breaker: { window: { type: count, duration: 10s } } }',
      'circuit_breaker.window.duration',
      'has no place in a window of type count',
    ],
    [
      '{ circuit_breaker: { window: { type: time, size: 10 } } }',
      'circuit_breaker.window.size',
      'has no place in a window of type time',
    ],
    [
      '{ circuit_breaker: { window: { duration: 20ms, buckets: 50 } } }',
      'circuit_breaker.window.buckets',
      '50 buckets are more than the 20 milliseconds of the window',
    ],
    [
      '{ circuit_breaker: { open: { duration: 2m, max_duration: 1m } } }',
      'circuit_breaker.open.max_duration',
      '1m is shorter than open.duration, which is 2m',
    ],
    [
      '{ retry: { backoff: { base: 2s, max: 1s } } }',
      'retry.backoff.base',
      '2s is longer than backoff.max, which is 1s',
    ],
    [
      '{ retry: { backoff: { max: 8s } }, timeout: { total: 8s } }',
      'retry.backoff.max',
      '8s leaves no time for a retry: the total timeout is 8s',
    ],
    [
      '{ bulkhead: { max_concurrent: 10, adaptive: { min: 12 } } }',
      'bulkhead.adaptive.min',
      '12 is above the ceiling of 10 (max_concurrent)',
    ],
    [
      '{ bulkhead: { adaptive: { initial: 3, min: 8 } } }',
      'bulkhead.adaptive.initial',
      '3 is not from 8 (min) to 1000 (max_concurrent)',
    ],
    [
      '{ bulkhead: { max_concurrent: 10, adaptive: { initial: 30 } } }',
      'bulkhead.adaptive.initial',
      '30 is not from 5 (min) to 10 (max_concurrent)',
    ],
    ['{ rate_limiter: { interval: 1s } }', 'rate_limiter.interval', 'has no effect without permits'],
    [
      '{ rate_limiter: { respect_retry_after: false } }',
      'rate_limiter',
      'limits nothing: permits, or respect_retry_after: true',
    ],
    [
      '{ fallback: { cache: { max_bytes: 1KiB, max_entry_bytes: 1MiB } } }',
      'fallback.cache.max_entry_bytes',
      '1MiB never fit a cache of 1KiB (max_bytes)',
    ],
    ['{ fallback: { response: { body: a, json: b } } }', 'fallback.response', 'has a body and json: keep one'],
    [
      '{ fallback: { response: { status: 204, body: a } } }',
      'fallback.response.status',
      'a response with status 204 has no body',
    ],
    [
      '{ fallback: { on_unhealthy: true } }',
      'fallback.on_unhealthy',
      'there is nothing to divert to: no endpoints, cache or response',
    ],
    ['{ health: { window: 5, minimum_calls: 6 } }', 'health.minimum_calls', '6 calls never fit the window of 5'],
  ] as const) {
    it(`${options}: ${message}`, () => {
      const config = loadPolicy(options);
      assert.deepEqual(basicsOf(config), [{ path: `policies.users.${path}`, message, source: 'file' }]);
    });
  }

  it('are told where the last word was said', () => {
    const file = 'policies: { default: { timeout: { attempt: 9s, total: 10s } } }';
    const env = { OTEL_RESILIENCE_TIMEOUT_ATTEMPT: '11s' };
    const code = { policies: { default: { circuitBreaker: { window: { duration: '1s' } }, timeout: true } } };
    assert.deepEqual(
      loadFile(file, env).problems.map(({ path, source }) => [path, source]),
      [['OTEL_RESILIENCE_TIMEOUT_ATTEMPT', 'environment']],
    );
    assert.deepEqual(
      loadFile(file, {}, code).problems.map(({ path, source }) => [path, source]),
      [['policies.default.circuitBreaker.window.duration', 'code']],
    );
  });
});

describe('a policy in error', () => {
  it('is off, so that its calls are left alone, and the others work', () => {
    const config = loadPolicy('{ retry: { max_retries: many } }');
    assert.deepEqual([...config.policies.keys()], ['default', 'other']);
    const fixed = (url: string) => config.rules.forOrigin(originOf(url)).fixed;
    assert.deepEqual(fixed('http://users.example'), { assignment: undefined });
    assert.equal(fixed('http://other.example')?.assignment?.policy.name, 'other');
    assert.equal(fixed('http://third.example')?.assignment?.policy.name, 'default');
  });

  it('tells all of its problems at once, with those of everything else', () => {
    const config = loadFile(
      `
mode: enforcing
upstreams: { max: none }
unknown: 1
policies:
  a: { retry: { max_retries: x, methods: 5 }, timeout: { attempt: 2s, total: 1s } }
  b: 5
  none: {}
rules: [{ match: {}, policy: a }, { policy: c }, 7]`,
      { OTEL_RESILIENCE_LOG: 'xml', OTEL_RESILIENCE_RETRY_MAX_RETRIES: '99', OTEL_RESILIENCE_RETYR: 'true' },
    );
    assert.deepEqual(config.problems.map(({ path }) => path).toSorted(), [
      'OTEL_RESILIENCE_LOG',
      'OTEL_RESILIENCE_RETRY_MAX_RETRIES',
      'OTEL_RESILIENCE_RETYR',
      'mode',
      'policies.a.retry.max_retries',
      'policies.a.retry.methods',
      'policies.a.timeout.attempt',
      'policies.b',
      'policies.none',
      'rules[0].match',
      'rules[1].match',
      'rules[1].policy',
      'rules[2]',
      'unknown',
      'upstreams.max',
    ]);
    assert.deepEqual([...config.policies.keys()], []);
    assert.equal(config.rules.maxUpstreams, 1_000);
  });

  it('is off whichever source is wrong', () => {
    assert.deepEqual([...loadEnv({ TIMEOUT_ATTEMPT: 'soon' }).policies.keys()], []);
    assert.deepEqual([...loadCode({ policies: { default: { retry: 7 } } }).policies.keys()], []);
  });
});

describe('a mode that is neither of the two', () => {
  it('observes, since the harmless one may have been meant', () => {
    assert.equal(loadFile('mode: observ').rules.mode, 'observe');
    assert.equal(loadEnv({ MODE: 'of' }).rules.mode, 'observe');
    assert.equal(loadCode({ mode: 'of' }).rules.mode, 'observe');
    assert.equal(loadFile('mode: observ', {}, { mode: 'enforce' }).rules.mode, 'enforce');
  });
});

describe('code without types', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const throwing = {
    get retry() {
      throw new Error('no');
    },
  };
  const proxy = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('hostile');
      },
    },
  );
  for (const [what, code, path] of [
    ['a text', 'enforce', 'configuration'],
    ['a list', [], 'configuration'],
    ['an unknown name', { polices: {} }, 'polices'],
    ['names as in the file', { policies: { a: { circuit_breaker: {} } } }, 'policies.a.circuit_breaker'],
    ['a Map of policies', { policies: new Map() }, 'policies'],
    ['a Date for a strategy', { policies: { a: { retry: new Date() } } }, 'policies.a.retry'],
    ['a getter that throws', { policies: { a: throwing } }, 'policies.a.retry'],
    ['a proxy that throws', { policies: { a: proxy } }, 'configuration'],
    [
      'a cyclic value',
      { policies: { a: { fallback: { response: { json: cyclic } } } } },
      'policies.a.fallback.response.json',
    ],
    [
      'a function in a value',
      { policies: { a: { fallback: { response: { json: { f() {} } } } } } },
      'policies.a.fallback.response.json',
    ],
    ['a handler that is none', { policies: { a: { fallback: { handler: {} } } } }, 'policies.a.fallback.handler'],
    ['a symbol', { policies: { a: { preset: Symbol('s') } } }, 'policies.a.preset'],
    ['a bigint', { policies: { a: { retry: { maxRetries: 1n } } } }, 'policies.a.retry.maxRetries'],
  ] as const) {
    it(`${what} is a problem at ${path}`, () => {
      const config = loadCode(code);
      assert.deepEqual(
        config.problems.map((problem) => [problem.path, problem.source]),
        [[path, 'code']],
      );
      assert.equal(config.policies.get('a'), undefined);
    });
  }
});

describe('hostile keys', () => {
  for (const [what, text, paths] of [
    ['a policy __proto__', '{"policies":{"__proto__":{"retry":{}}}}', ['policies.__proto__']],
    ['an option __proto__', '{"policies":{"a":{"__proto__":{"retry":{}}}}}', ['policies.a.__proto__']],
    ['__proto__ at the top', '{"__proto__":{"mode":"observe"}}', ['__proto__']],
    ['an option constructor', '{"policies":{"a":{"constructor":{}}}}', ['policies.a.constructor']],
    [
      '__proto__ in a value',
      '{"policies":{"a":{"fallback":{"response":{"json":{"__proto__":{"x":1}}}}}}}',
      ['policies.a.fallback.response.json'],
    ],
    [
      'a header __proto__',
      '{"policies":{"a":{"fallback":{"response":{"headers":{"__proto__":"x"}}}}}}',
      ['policies.a.fallback.response.headers'],
    ],
  ] as const) {
    it(`${what} is a problem and nothing else`, () => {
      const fromFile = loadFile(text);
      const fromCode = loadCode(JSON.parse(text));
      assert.deepEqual(
        fromFile.problems.map(({ path }) => path),
        paths,
      );
      assert.deepEqual(
        fromCode.problems.map(({ path }) => path),
        paths,
      );
      assert.equal(fromFile.rules.mode, 'enforce');
      assert.equal(Object.hasOwn(Object.prototype, 'retry') || Object.hasOwn(Object.prototype, 'x'), false);
    });
  }

  it('policies may be called constructor or toString, and are not there by themselves', () => {
    const config = loadFile(`
policies: { constructor: { retry: {} }, toString: {} }
rules: [{ match: { url: "http://a" }, policy: constructor }, { match: { url: "http://b" }, policy: valueOf }]`);
    assert.deepEqual(
      config.problems.map(({ path }) => path),
      ['rules[1].policy'],
    );
    assert.equal(config.rules.forOrigin(originOf('http://a')).fixed?.assignment?.policy.name, 'constructor');
  });
});
