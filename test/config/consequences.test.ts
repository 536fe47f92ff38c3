import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeProblems } from '../../src/config/describe-problems.ts';
import type { LoadedConfig } from '../../src/config/load-config.ts';
import { loadCode, loadEnv, loadFile } from './harness.ts';

function consequences({ problems }: LoadedConfig): (string | undefined)[] {
  return problems.map(({ consequence }) => consequence);
}

const USERS_OFF = 'policy users is off: its calls go through without protection';
const DEFAULT_OFF = 'the default policy is off: calls that no rule matches go through without protection';
const ALL_OFF = 'the default policy is off: nothing is protected';

describe('the consequence of a mistake', () => {
  for (const [what, config, expected] of [
    ['in a policy', loadFile('policies: { users: { retry: { max_retries: x } } }'), USERS_OFF],
    [
      'that contradicts another option',
      loadCode({ policies: { users: { timeout: { attempt: 9, total: 8 } } } }),
      USERS_OFF,
    ],
    ['in the default policy', loadFile('policies: { default: 5, users: {} }'), DEFAULT_OFF],
    ['in the only policy', loadEnv({ RETRY: 'maybe' }), ALL_OFF],
    ['in the syntax of the file', loadFile('a: ['), ALL_OFF],
    ['in the name of the file', loadEnv({ CONFIG_FILE: '/nowhere' }), ALL_OFF],
    ['in a mode', loadFile('mode: observ'), 'running in observe'],
    ['in a mode that another source sets', loadFile('mode: observ', {}, { mode: 'enforce' }), 'running in enforce'],
    ['in the name of the mode', loadEnv({ MODEE: 'observe' }), 'it is ignored: running in enforce'],
    ['in the name of an option of its own', loadFile('mod: observe'), 'it is ignored: running in enforce'],
    ['in the name of a variable', loadEnv({ RETYR: 'true' }), 'it is ignored'],
    ['in an option outside policies', loadFile('upstreams: { max: none }'), 'it is ignored'],
    ['in a setting', loadEnv({ SDK: 'maybe' }), 'using auto'],
    ['in the switch of everything', loadEnv({ ENABLED: 'yes' }), 'it is read as false: nothing is protected'],
    [
      'in a rule',
      loadFile('rules: [{ match: { url: "http://x" }, policy: defualt }]'),
      'calls that match rules[0] go through without protection',
    ],
    [
      'in the URL of a rule',
      loadFile('rules: [{ match: { url: "x" }, policy: default }]'),
      'rules[0] is skipped: later rules and the default policy apply',
    ],
  ] as const) {
    it(`${what} is told`, () => {
      assert.deepEqual(consequences(config), [expected]);
    });
  }
});

describe('the place of a mistake in the file', () => {
  const YAML = `mode: enforce
policies:
  users:
    timeout:
      attempt: soon
    retyr: {}
rules:
  - match: { url: "http://x" }
    policy: user
`;
  const JSON_TEXT = JSON.stringify(
    {
      policies: { users: { timeout: { attempt: 'soon' }, retyr: {} } },
      rules: [{ match: { url: 'http://x' }, policy: 'user' }],
    },
    undefined,
    2,
  );
  const places = (config: LoadedConfig) => config.problems.map(({ path, location }) => [path, location]);

  it('is its line and column, of the name where the name is wrong', () => {
    assert.deepEqual(places(loadFile(YAML)), [
      ['policies.users.retyr', 'resilience.yaml:6:5'],
      ['policies.users.timeout.attempt', 'resilience.yaml:5:16'],
      ['rules[0].policy', 'resilience.yaml:9:13'],
    ]);
  });

  it('is told of JSON as well', () => {
    assert.deepEqual(places(loadFile(JSON_TEXT)), [
      ['policies.users.retyr', 'resilience.yaml:7:7'],
      ['policies.users.timeout.attempt', 'resilience.yaml:5:20'],
      ['rules[0].policy', 'resilience.yaml:15:17'],
    ]);
  });

  it('is told of contradictions, through anchors, and not of other sources', () => {
    const anchored = 'policies:\n  a: { timeout: &t { attempt: 9s, total: 8s } }\n  b: { timeout: *t }';
    assert.deepEqual(places(loadFile(anchored)), [
      ['policies.a.timeout.attempt', 'resilience.yaml:2:31'],
      ['policies.b.timeout.attempt', 'resilience.yaml:2:31'],
    ]);
    assert.deepEqual(places(loadEnv({ RETRY: 'x' })), [['OTEL_RESILIENCE_RETRY', undefined]]);
  });

  it("is told of our part of OpenTelemetry's file", () => {
    const text = 'file_format: "1.0"\ninstrumentation/development:\n  js:\n    resilience:\n      mode: of';
    const [problem] = loadFile(text, { OTEL_RESILIENCE_CONFIG_FILE: '', OTEL_CONFIG_FILE: 'otel.yaml' }).problems;
    assert.equal(problem?.location, 'otel.yaml:5:13');
  });
});

describe('what the log says of a configuration in error', () => {
  it('is the option, its place, what was expected, the consequence, and how to check the file', () => {
    const { problems, file } = loadFile('policies: { users: { retry: onn } }', { OTEL_RESILIENCE_SDK: 'onn' });
    assert.deepEqual(describeProblems(problems, file), [
      'OTEL_RESILIENCE_SDK (environment): expected auto or on or off, got "onn" (did you mean on?); using auto',
      'policies.users.retry (resilience.yaml:1:29): expected a map of options, true for the defaults, or false, ' +
        `got "onn" (did you mean on?); ${USERS_OFF}`,
      'to check the configuration: npx otel-resilience validate resilience.yaml --env',
    ]);
  });

  it('keeps the consequence where the rest is too long', () => {
    const consequence = 'nothing is protected';
    const [line = ''] = describeProblems([{ path: 'a', message: 'x'.repeat(999), source: 'code', consequence }]);
    assert.equal(line.length, 400);
    assert.ok(line.endsWith('…; nothing is protected'), line);
  });
});
