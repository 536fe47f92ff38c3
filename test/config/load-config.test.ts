import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { loadConfig } from '../../src/config/load-config.ts';
import { BULKHEAD_DEFAULTS } from '../../src/strategies/bulkhead/options.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../src/strategies/circuit-breaker/options.ts';
import { FALLBACK_CACHE_DEFAULTS } from '../../src/strategies/fallback/options.ts';
import { RETRY_DEFAULTS } from '../../src/strategies/retry/options.ts';
import { DEFAULT_POLICY } from '../../src/strategies/shared/policy.ts';
import { TIMEOUT_DEFAULTS } from '../../src/strategies/timeout/options.ts';
import { loadCode, loadEnv, loadFile, originOf, policyOf } from './harness.ts';

/** The example of DESIGN §7. */
const EXAMPLE = `
mode: enforce
policies:
  default: { circuit_breaker: {} }                 # applies where no rule matches; \`default: {}\` switches all off
  users:
    preset: standard
    timeout: { attempt: 3s, total: 8s }            # durations: ms as a number, or 250ms / 3s / 5m / 1h
    retry: { max_retries: 2 }
    circuit_breaker: { consecutive_failures: 5, open: { duration: 60s, multiplier: 1 }, half_open: { successes: 2 } }
    bulkhead: { max_concurrent: 10, max_queue: 10, queue_timeout: 10s }
    fallback:
      endpoints: [ "https://api.backup1.example", "https://api.backup2.example" ]
      cache: { stale_if_error: 1h }
      response: { status: 200, json: { id: "\${path.id}", name: Unknown, email: null, status: degraded } }
rules:                                             # first match wins; URL Pattern API syntax
  - { name: user-service, match: { url: "https://api.primary.example/users/:id", methods: [GET] }, policy: users }
  - { match: { url: "http://localhost:9200/*" }, policy: none }
`;

const STRATEGIES = ['circuitBreaker', 'bulkhead', 'rateLimiter', 'timeout', 'retry', 'fallback'] as const;

function strategiesOf(policy: object): string[] {
  return STRATEGIES.filter((strategy) => (policy as Record<string, unknown>)[strategy] !== undefined);
}

describe('loadConfig without any configuration', () => {
  it('is a circuit breaker for every call, enforced', () => {
    const config = loadConfig({ env: {} });
    assert.equal(config.enabled, true);
    assert.equal(policyOf(config), DEFAULT_POLICY);
    assert.equal(config.rules.mode, 'enforce');
    assert.equal(config.rules.maxUpstreams, 1_000);
    assert.equal(config.rules.forOrigin(originOf('http://any.example')).fixed?.assignment?.policy, DEFAULT_POLICY);
    const settings = { sdk: 'auto', eventSignal: 'logs/dup', log: 'auto', requestIdHeader: undefined };
    assert.deepEqual(config.settings, settings);
  });

  it('loads no library, neither without variables nor with variables that are settings', () => {
    const module = path.join(__dirname, '../../src/config/load-config.js');
    const script = `
      const { loadConfig } = require(process.argv[1]);
      const env = { OTEL_RESILIENCE_MODE: 'observe', OTEL_RESILIENCE_SDK: 'off', OTEL_RESILIENCE_RETRY: '' };
      const { rules, problems } = loadConfig({ env, code: { enabled: true } });
      const libraries = Object.keys(require.cache).filter((file) => file.includes('node_modules'));
      console.log(JSON.stringify([rules.mode, problems, libraries]));`;
    const output = execFileSync(process.execPath, ['-e', script, module], { encoding: 'utf8' });
    assert.deepEqual(JSON.parse(output), ['observe', [], []]);
  });
});

describe('loadConfig with the example of the design', () => {
  it('resolves every option to what it says', () => {
    const users = policyOf(loadFile(EXAMPLE), 'users');
    assert.deepEqual(users.circuitBreaker, {
      ...CIRCUIT_BREAKER_DEFAULTS,
      consecutiveFailures: 5,
      open: { ...CIRCUIT_BREAKER_DEFAULTS.open, durationMs: 60_000, multiplier: 1 },
      halfOpen: { maxConcurrent: 1, successes: 2, leaseMs: 3_000 },
    });
    assert.deepEqual(users.timeout, { attemptMs: 3_000, totalMs: 8_000, idleMs: undefined });
    assert.deepEqual(users.retry, { ...RETRY_DEFAULTS, maxRetries: 2 });
    assert.deepEqual(users.bulkhead, {
      maxConcurrent: 10,
      maxQueue: 10,
      queueTimeoutMs: 10_000,
      adaptive: undefined,
    });
    assert.equal(users.rateLimiter, undefined);
    const backup = {
      protocol: 'https:',
      port: 443,
      basePath: '',
      forwardCredentials: false,
      credentialHeaders: new Set(),
    };
    assert.deepEqual(users.fallback, {
      endpoints: ['api.backup1.example', 'api.backup2.example'].map((host) => ({ ...backup, host })),
      cache: FALLBACK_CACHE_DEFAULTS,
      response: {
        status: 200,
        headers: {},
        body: undefined,
        json: { id: `\${path.id}`, name: 'Unknown', email: null, status: 'degraded' },
      },
      handler: undefined,
      onUnhealthy: false,
    });
  });

  it('assigns each call as the rules say', () => {
    const { rules } = loadFile(EXAMPLE);
    const primary = rules.forOrigin(originOf('https://api.primary.example'));
    assert.equal(primary.fixed, undefined);
    const users = primary.match('GET', '/users/7?full=1');
    assert.equal(users?.policy.name, 'users');
    assert.equal(users?.upstream, 'user-service');
    assert.deepEqual({ ...users?.groups('https://api.primary.example/users/a%20b?full=1') }, { id: 'a b' });
    assert.equal(primary.match('POST', '/users/7')?.policy.name, 'default');
    assert.equal(primary.match('GET', '/users')?.upstream, undefined);
    assert.deepEqual(rules.forOrigin(originOf('http://localhost:9200')).fixed, { assignment: undefined });
    assert.equal(rules.forOrigin(originOf('http://other.example')).fixed?.assignment?.policy.name, 'default');
  });
});

describe('strategies of a policy', () => {
  for (const [options, expected] of [
    ['{}', []],
    ['', []],
    ['{ circuit_breaker: }', ['circuitBreaker']],
    ['{ circuit_breaker: true, retry: on, timeout: {} }', ['circuitBreaker', 'timeout', 'retry']],
    ['{ bulkhead: false, retry: off, rate_limiter: {} }', ['rateLimiter']],
    ['{ preset: standard }', ['circuitBreaker', 'bulkhead', 'timeout', 'retry']],
    ['{ preset: standard, retry: false, bulkhead: off }', ['circuitBreaker', 'timeout']],
    [
      '{ preset: standard, fallback: { response: {} } }',
      ['circuitBreaker', 'bulkhead', 'timeout', 'retry', 'fallback'],
    ],
  ] as const) {
    it(`default: ${options} switches on ${expected.join(', ') || 'none'}`, () => {
      assert.deepEqual(strategiesOf(policyOf(loadFile(`policies: { default: ${options} }`))), expected);
    });
  }

  it('take their defaults', () => {
    const policy = policyOf(loadFile('policies: { default: { preset: standard } }'));
    assert.deepEqual(policy.bulkhead, BULKHEAD_DEFAULTS);
    assert.deepEqual(policy.retry, RETRY_DEFAULTS);
    assert.deepEqual(policy.timeout, TIMEOUT_DEFAULTS);
    assert.deepEqual(policy.verdict, DEFAULT_POLICY.verdict);
    assert.deepEqual(policy.health, DEFAULT_POLICY.health);
  });

  it('stay the built-in ones for calls without a rule when only other policies are given', () => {
    assert.deepEqual(policyOf(loadFile('policies: { users: { retry: {} } }')), DEFAULT_POLICY);
  });
});

describe('a default gives way to an option that was set', () => {
  const breaker = (options: string) => policyOf(loadFile(`policies: { default: ${options} }`)).circuitBreaker;
  const policy = (options: string) => policyOf(loadFile(`policies: { default: ${options} }`));

  it('a shorter total timeout shortens the attempt timeout', () => {
    assert.equal(policy('{ timeout: { total: 5s } }').timeout?.attemptMs, 5_000);
  });

  it('a longer attempt timeout lengthens the total timeout and the time window', () => {
    const { timeout, circuitBreaker } = policy('{ timeout: { attempt: 60s }, circuit_breaker: {} }');
    assert.equal(timeout?.totalMs, 60_000);
    assert.deepEqual(circuitBreaker?.window, { type: 'time', durationMs: 120_000, buckets: 10 });
  });

  it('a small count window lowers the minimum of calls, a high minimum enlarges the window', () => {
    assert.equal(breaker('{ circuit_breaker: { window: { size: 10 } } }')?.minimumCalls, 10);
    const window = breaker('{ circuit_breaker: { window: { type: count }, minimum_calls: 500 } }')?.window;
    assert.deepEqual(window, { type: 'count', size: 500 });
  });

  it('the lease of a probe is the attempt timeout, if there is one and no lease', () => {
    assert.equal(breaker('{ circuit_breaker: {} }')?.halfOpen.leaseMs, 30_000);
    assert.equal(breaker('{ circuit_breaker: {}, timeout: { attempt: 2s } }')?.halfOpen.leaseMs, 2_000);
    assert.equal(breaker('{ circuit_breaker: {}, timeout: { attempt: off } }')?.halfOpen.leaseMs, 30_000);
    const both = '{ circuit_breaker: { half_open: { lease: 7s } }, timeout: { attempt: 2s } }';
    assert.equal(breaker(both)?.halfOpen.leaseMs, 7_000);
  });

  it('a long open duration raises its maximum, a low maximum lowers the duration', () => {
    assert.equal(breaker('{ circuit_breaker: { open: { duration: 1h } } }')?.open.maxDurationMs, 3_600_000);
    assert.equal(breaker('{ circuit_breaker: { open: { max_duration: 1s } } }')?.open.durationMs, 1_000);
  });

  it('a bulkhead that adapts may go up to 1000, or its max_concurrent; what is not set gives way to what is', () => {
    const limits = (options: string) => {
      const { maxConcurrent = 0, adaptive } = policy(options).bulkhead ?? {};
      return [adaptive?.min, adaptive?.initial, maxConcurrent, adaptive?.tolerance];
    };
    assert.deepEqual(limits('{ bulkhead: { adaptive: {} } }'), [5, 20, 1_000, 1.5]);
    assert.deepEqual(limits('{ bulkhead: { adaptive: true, max_concurrent: 12 } }'), [5, 12, 12, 1.5]);
    assert.deepEqual(limits('{ bulkhead: { adaptive: {}, max_concurrent: 3 } }'), [3, 3, 3, 1.5]);
    assert.deepEqual(limits('{ bulkhead: { adaptive: { min: 40 } } }'), [40, 40, 1_000, 1.5]);
    assert.deepEqual(limits('{ bulkhead: { adaptive: { initial: 2 } } }'), [2, 2, 1_000, 1.5]);
    assert.deepEqual(limits('{ bulkhead: { adaptive: false } }'), [undefined, undefined, 100, undefined]);
  });

  it('the burst of a rate limiter is its permits', () => {
    assert.equal(policy('{ rate_limiter: { permits: 7 } }').rateLimiter?.burst, 7);
    assert.equal(policy('{ rate_limiter: { permits: 7, burst: 20 } }').rateLimiter?.burst, 20);
  });
});

describe('precedence', () => {
  const file = `
mode: observe
request_id_header: X-From-File
upstreams: { max: 10 }
policies: { default: { retry: { max_retries: 1, methods: [GET] }, bulkhead: {} } }`;

  it('is file, then environment, then code, option by option', () => {
    const code = { policies: { default: { retry: { maxRetries: 5 } } } };
    const { retry } = policyOf(loadFile(file, { OTEL_RESILIENCE_RETRY_MAX_RETRIES: '4' }, code));
    assert.equal(retry?.maxRetries, 5);
    assert.deepEqual(retry?.methods, ['GET']);
    const env = { OTEL_RESILIENCE_RETRY_MAX_RETRIES: '4' };
    assert.equal(policyOf(loadFile(file, env)).retry?.maxRetries, 4);
    assert.equal(policyOf(loadFile(file)).retry?.maxRetries, 1);
  });

  it('lets a higher source switch a strategy off, and on again with its details', () => {
    const off = { OTEL_RESILIENCE_RETRY: 'false' };
    assert.equal(policyOf(loadFile(file, off)).retry, undefined);
    const on = policyOf(loadFile(file, off, { policies: { default: { retry: true } } })).retry;
    assert.deepEqual(on, RETRY_DEFAULTS);
    assert.deepEqual(policyOf(loadFile(file, { OTEL_RESILIENCE_RETRY: 'true' })).retry?.methods, ['GET']);
  });

  it('holds for the options outside policies', () => {
    const env = {
      OTEL_RESILIENCE_MODE: 'Enforce',
      OTEL_RESILIENCE_UPSTREAMS_MAX: '20',
      OTEL_RESILIENCE_REQUEST_ID_HEADER: 'X-From-Env',
    };
    const [fromFile, fromEnv] = [loadFile(file), loadFile(file, env)];
    const fromCode = loadFile(file, env, { mode: 'observe', upstreams: { max: 30 }, requestIdHeader: 'off' });
    const seen = [fromFile, fromEnv, fromCode].map((of) => [
      of.rules.mode,
      of.rules.maxUpstreams,
      of.settings.requestIdHeader,
    ]);
    const expected = [
      ['observe', 10, 'x-from-file'],
      ['enforce', 20, 'x-from-env'],
      ['observe', 30, undefined],
    ];
    assert.deepEqual(seen, expected);
  });

  it('replaces a window of another type as a whole', () => {
    const time = 'policies: { default: { circuit_breaker: { window: { duration: 60s, buckets: 6 } } } }';
    const env = { OTEL_RESILIENCE_CIRCUIT_BREAKER_WINDOW_SIZE: '50' };
    assert.deepEqual(policyOf(loadFile(time, env)).circuitBreaker?.window, { type: 'count', size: 50 });
  });

  it('replaces a body by json and the other way round', () => {
    const body = 'policies: { default: { fallback: { response: { body: text } } } }';
    const env = { OTEL_RESILIENCE_FALLBACK_RESPONSE_JSON: '{"a":1}' };
    const response = policyOf(loadFile(body, env)).fallback?.response;
    assert.deepEqual([response?.body, response?.json], [undefined, { a: 1 }]);
  });

  it('asks the rules of the code before those of the file', () => {
    const rules = 'rules: [{ match: { url: "http://a.example" }, policy: none }]';
    const code = { policies: { mine: {} }, rules: [{ match: { url: 'http://a.example/x' }, policy: 'mine' }] };
    const origin = loadFile(rules, {}, code).rules.forOrigin(originOf('http://a.example'));
    assert.equal(origin.match('GET', '/x')?.policy.name, 'mine');
    assert.equal(origin.match('GET', '/y'), undefined);
  });

  it('is told by explain, for every option in force', () => {
    const code = { policies: { default: { bulkhead: { maxQueue: 3 } } } };
    const config = loadFile(file, { OTEL_RESILIENCE_PRESET: 'standard' }, code);
    const options = new Map(config.explain('default').map(({ path, value, source }) => [path, [value, source]]));
    assert.deepEqual(options.get('preset'), ['standard', 'environment']);
    assert.deepEqual(options.get('circuit_breaker'), [true, 'preset']);
    assert.deepEqual(options.get('circuit_breaker.open.duration'), [10_000, 'default']);
    assert.deepEqual(options.get('retry.methods'), [['GET'], 'file']);
    assert.deepEqual(options.get('bulkhead.max_queue'), [3, 'code']);
    assert.deepEqual(options.get('rate_limiter'), [false, 'default']);
    assert.deepEqual(config.explain('nobody'), []);
    assert.ok(
      loadConfig({ env: {} })
        .explain('default')
        .some(({ path }) => path === 'circuit_breaker.minimum_calls'),
    );
  });
});

describe('what is told of a configuration', () => {
  it('has values as one would write them in the file', () => {
    const written = new Map(
      loadFile(EXAMPLE)
        .explain('users')
        .map((option) => [option.path, option.written]),
    );
    for (const [option, value] of [
      ['circuit_breaker', 'on'],
      ['rate_limiter', 'off'],
      ['circuit_breaker.open.duration', '1m'],
      ['circuit_breaker.consecutive_failures', 5],
      ['timeout.idle', 'off'],
      ['failure.statuses', ['500-599']],
      ['failure.except', [501, 505]],
      ['retry.max_replay_bytes', '64KiB'],
      ['fallback.endpoints', ['https://api.backup1.example', 'https://api.backup2.example']],
      ['fallback.response.body', undefined],
    ] as const) {
      assert.deepEqual(written.get(option), value, option);
    }
  });

  it('names the rule that decides about a call, whatever its policy', () => {
    const config = loadFile(EXAMPLE);
    const path = (url: string, method: string, of: string) => config.ruleFor(originOf(url), method, of)?.path;
    assert.equal(path('https://api.primary.example', 'GET', '/users/1'), 'rules[0]');
    assert.equal(path('https://api.primary.example', 'POST', '/users/1'), undefined);
    assert.equal(path('https://api.primary.example', 'GET', '/orders/1'), undefined);
    assert.equal(path('http://localhost:9200', 'GET', '/index'), 'rules[1]');
    const { url, name, policy, source } = config.ruleFor(originOf('http://localhost:9200'), 'GET', '/') ?? {};
    assert.deepEqual([url, name, policy, source], ['http://localhost:9200/*', undefined, undefined, 'file']);
    assert.equal(loadConfig({ env: {} }).ruleFor(originOf('http://a.example'), 'GET', '/'), undefined);
  });

  it('names the rule whose policy the call really gets', () => {
    const part = fc.constantFrom('a', 'b', ':id', '*');
    const rule = fc.record({
      url: fc.tuple(fc.constantFrom('http://a.example', 'http://*.example', '*://*:*'), part).map((of) => of.join('/')),
      methods: fc.option(fc.subarray(['GET', 'POST'], { minLength: 1 }), { nil: undefined }),
    });
    const call = fc.tuple(
      fc.constantFrom('http://a.example', 'https://b.example:8443'),
      fc.constantFrom('a', 'b', 'c'),
    );
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 5 }),
        call,
        fc.constantFrom('GET', 'POST'),
        (matches, [url, to], method) => {
          const rules = matches.map((match, at) => ({ match, policy: at % 3 === 2 ? 'none' : `p${at}` }));
          const policies = Object.fromEntries(matches.map((_, at) => [`p${at}`, {}]));
          const config = loadCode({ policies, rules });
          const origin = originOf(url);
          const { fixed, match } = config.rules.forOrigin(origin);
          const assignment = fixed === undefined ? match(method, `/${to}`) : fixed.assignment;
          const found = config.ruleFor(origin, method, `/${to}`);
          const told = found === undefined ? 'default' : found.policy;
          assert.equal(told, assignment?.policy.name);
        },
      ),
    );
  });
});

describe('configuration in code', () => {
  it('takes the names of the file in camelCase, and handlers', () => {
    const handler = () => undefined;
    const { circuitBreaker, timeout, fallback, rateLimiter } = policyOf(
      loadCode({
        policies: {
          api: {
            circuitBreaker: { slowCall: { duration: '1s' }, halfOpen: { maxConcurrent: 2 }, open: undefined },
            timeout: { attempt: '1s', total: 2_000, idle: 'off' },
            rateLimiter: { permits: 5, maxRetryAfter: '1m' },
            fallback: { handler, onUnhealthy: true },
          },
        },
      }),
      'api',
    );
    assert.deepEqual(circuitBreaker?.slowCall, { durationMs: 1_000, ratio: 0.8 });
    assert.equal(circuitBreaker?.halfOpen.maxConcurrent, 2);
    assert.deepEqual(timeout, { attemptMs: 1_000, totalMs: 2_000, idleMs: undefined });
    assert.equal(rateLimiter?.maxRetryAfterMs, 60_000);
    assert.equal(fallback?.handler, handler);
  });

  it('keeps nothing that the caller can change afterwards', () => {
    const json = { list: [1] };
    const config = loadCode({ policies: { a: { fallback: { response: { json } } } } });
    json.list.push(2);
    assert.deepEqual(policyOf(config, 'a').fallback?.response?.json, { list: [1] });
  });
});

describe('enabled', () => {
  for (const [variable, code, expected] of [
    ['', undefined, true],
    ['TRUE', undefined, true],
    ['False', undefined, false],
    ['false', true, false],
    ['true', false, false],
    ['', false, false],
  ] as const) {
    it(`is ${expected} with ${JSON.stringify(variable)} in the environment and ${code} in code`, () => {
      const config = loadEnv({ ENABLED: variable, CONFIG_FILE: expected ? '' : '/nowhere' }, { enabled: code });
      assert.equal(config.enabled, expected);
      assert.deepEqual(config.problems, []);
      if (!expected) assert.deepEqual(config.rules.forOrigin(originOf('http://a')).fixed, { assignment: undefined });
    });
  }
});
