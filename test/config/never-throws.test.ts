import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { describeProblems } from '../../src/config/describe-problems.ts';
import { variableOptions } from '../../src/config/environment.ts';
import type { LoadedConfig } from '../../src/config/load-config.ts';
import { loadConfig } from '../../src/config/load-config.ts';

import { loadCode, loadFile, originOf } from './harness.ts';

const NAMES = [
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', ' ', 'a.b', 'mode', 'policies', 'rules', 'default'],
  ...['preset', 'circuit_breaker', 'circuitBreaker', 'retry', 'timeout', 'fallback', 'cache', 'response', 'json'],
  ...['headers', 'window', 'open', 'attempt', 'match', 'url', 'methods', 'policy', 'name', 'upstreams', 'max'],
];
const VALUES = [
  'off',
  'on',
  'standard',
  '3s',
  '64KiB',
  'http://a.example/*',
  'unix:/a',
  '*',
  ':a(',
  `\${path.x}`,
  'none',
];

const key = fc.oneof(fc.constantFrom(...NAMES), fc.string());
const leaf = fc.oneof(
  fc.constantFrom(...VALUES, null, true, false, -1, 0, 1, Number.NaN, Infinity),
  fc.double(),
  fc.string(),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'medium', withCrossShrink: true }, leaf, tie('list'), tie('map')),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  map: fc.array(fc.tuple(key, tie('tree')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
}));

/** Everything that its users do with it. */
function use(config: LoadedConfig): void {
  for (const url of ['http://a.example', 'https://[::1]:8443', 'unix:/a']) {
    const rules = config.rules.forOrigin(originOf(url));
    for (const path of ['/', '/a?b', '*', 'a:1', 'http://b.example/x']) {
      rules.match('GET', path)?.groups(`http://a.example${path}`);
    }
  }
  for (const name of config.policies.keys()) assert.ok(config.explain(name).length > 0);
  assert.ok(describeProblems(config.problems).length <= 10);
}

describe('loadConfig', () => {
  it('never throws, whatever stands in code or in a file', () => {
    fc.assert(
      fc.property(tree, (value) => {
        use(loadCode(value));
        use(loadFile(JSON.stringify(value) ?? ''));
      }),
      { numRuns: 300 },
    );
  });

  it('never throws, whatever the options of a policy and the rules are', () => {
    fc.assert(
      fc.property(tree, tree, (policy, rule) => {
        use(loadCode({ policies: { default: policy, a: { fallback: policy } }, rules: [rule, { match: rule }] }));
      }),
      { numRuns: 300 },
    );
  });

  it('never throws, whatever text a file holds', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('a: b', '- x', '  - &a *a', '---', '%YAML', '!!js', '{', '"', '<<: *a'),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        use(loadFile(lines.join('\n')));
        use(loadConfig({ env: { OTEL_CONFIG_FILE: 'f' }, readFile: () => `resilience: ${lines.join('\n')}` }));
      }),
      { numRuns: 300 },
    );
  });

  it('never throws, whatever the environment holds', () => {
    const name = fc.oneof(
      fc.constantFrom(...variableOptions().keys()),
      fc.string().map((text) => `OTEL_RESILIENCE_${text}`),
    );
    const text = fc.oneof(fc.string(), fc.constantFrom(...VALUES, 'true', 'GET,PUT', '5', '{"a":1}', 'a=b', '%'));
    fc.assert(
      fc.property(fc.dictionary(name, text), (env) => {
        const { OTEL_RESILIENCE_CONFIG_FILE: _, ...others } = env;
        use(loadConfig({ env: others }));
      }),
      { numRuns: 300 },
    );
  });

  it('never throws, not even when the environment does', () => {
    const env = new Proxy<Record<string, string>>(
      {},
      {
        get() {
          throw new Error('no environment today');
        },
      },
    );
    const config = loadConfig({ env });
    assert.deepEqual(
      config.problems.map(({ message }) => message),
      ['cannot be read: no environment today'],
    );
    assert.deepEqual(config.rules.forOrigin(originOf('http://a')).fixed, { assignment: undefined });
  });
});
