import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { loadConfig } from '../../src/config/load-config.ts';
import { loadFile, originOf, policyOf } from './harness.ts';

describe('the configuration file', () => {
  let folder: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'resilience-config-'));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  const load = (file: string) => loadConfig({ env: { OTEL_RESILIENCE_CONFIG_FILE: file } });

  it('is found relative to the working directory', () => {
    const file = path.join(folder, 'resilience.yaml');
    fs.writeFileSync(file, '\uFEFFmode: observe\r\npolicies:\r\n  default: { retry: {} }\r\n');
    const config = load(path.relative(process.cwd(), file));
    assert.ok(policyOf(config).retry);
    assert.equal(config.rules.mode, 'observe');
  });

  it('may be JSON', () => {
    const file = path.join(folder, 'resilience.json');
    fs.writeFileSync(file, JSON.stringify({ policies: { default: { timeout: { attempt: '3s' } } } }, undefined, '\t'));
    assert.equal(policyOf(load(file)).timeout?.attemptMs, 3_000);
  });

  for (const [what, make, message] of [
    ['is missing', () => {}, /cannot be read: ENOENT/],
    ['is a folder', (file: string) => fs.mkdirSync(file), /it is not a regular file/],
    ['is too large', (file: string) => fs.writeFileSync(file, ' '.repeat(2 ** 20 + 1)), /it has 1048577 bytes/],
    ['is empty', (file: string) => fs.writeFileSync(file, '\n'), /the file is empty/],
  ] as const) {
    it(`that ${what} leaves all calls alone, and says so`, () => {
      const file = path.join(folder, 'resilience.yaml');
      make(file);
      const config = load(file);
      assert.deepEqual(
        config.problems.map(({ source }) => source),
        ['file'],
      );
      assert.match(config.problems[0]?.message ?? '', message);
      assert.equal(config.problems[0]?.path, file);
      assert.deepEqual(config.rules.forOrigin(originOf('http://a')).fixed, { assignment: undefined });
      assert.equal(config.enabled, true);
    });
  }

  for (const [what, text, at, message] of [
    ['does not parse', 'mode: enforce\npolicies: { a: [ }', 'resilience.yaml:2:18', /does not parse/],
    ['has a key twice', 'mode: enforce\npolicies: {}\nmode: observe', 'resilience.yaml:3:1', /keys must be unique/],
    ['has a key twice in JSON', '{"mode":"enforce",\n"mode":"observe"}', 'resilience.yaml:2:1', /keys must be unique/],
    ['has tabs for indents', 'policies:\n\tdefault: {}', 'resilience.yaml:2:1', /Tabs are not allowed/],
    ['has several documents', 'mode: enforce\n---\nmode: observe', 'resilience.yaml:2:1', /multiple documents/],
    ['is a list', '- mode', 'resilience.yaml', /expected a map of options, got a list/],
    ['is a text', 'enforce', 'resilience.yaml', /expected a map of options, got "enforce"/],
    ['is nested without end', `mode: ${'['.repeat(50_000)}`, 'resilience.yaml', /nested deeper than 100/],
    ['is nested in one line', '- '.repeat(50_000), 'resilience.yaml', /nested deeper than 100/],
    ['has policies that are no map', 'policies: [a]', 'policies', /expected a map of policies by name/],
    ['has rules that are no list', 'rules: { a: b }', 'rules', /expected a list of at most 1000 rules, got a map/],
    ['has too many rules', `rules: [${'{},'.repeat(1_001)}]`, 'rules', /expected a list of at most 1000 rules/],
  ] as const) {
    it(`that ${what} leaves all calls alone, whatever the environment adds`, () => {
      const config = loadFile(text, { OTEL_RESILIENCE_RETRY: 'true' });
      assert.equal(config.problems[0]?.path, at);
      assert.match(config.problems[0]?.message ?? '', message);
      assert.deepEqual(config.rules.forOrigin(originOf('http://a')).fixed, { assignment: undefined });
    });
  }

  it('that cannot be used leaves the rules and policies of the code in force', () => {
    const code = { policies: { mine: {} }, rules: [{ match: { url: 'http://a' }, policy: 'mine' }] };
    const config = loadFile(': [', {}, code);
    assert.equal(config.rules.forOrigin(originOf('http://a')).fixed?.assignment?.policy.name, 'mine');
    assert.deepEqual(config.rules.forOrigin(originOf('http://b')).fixed, { assignment: undefined });
  });

  it('does not unfold aliases beyond all proportion', () => {
    const letters = 'abcdefghi';
    const lists = [...letters.slice(1)].map((name, index) => {
      return `${name}: &${name} [${Array(9).fill(`*${letters[index]}`).join(', ')}]`;
    });
    const config = loadFile(['a: &a [x, x, x, x, x, x, x, x, x]', ...lists].join('\n'));
    assert.match(config.problems[0]?.message ?? '', /does not parse: Excessive alias count/);
  });

  it('may share options by anchors', () => {
    const text = 'policies: { a: { timeout: &t { attempt: 2s } }, b: { timeout: *t } }';
    assert.equal(policyOf(loadFile(text), 'b').timeout?.attemptMs, 2_000);
  });

  it('may be all comments, and sections may be empty', () => {
    assert.ok(policyOf(loadFile('# mode: observe\n')).circuitBreaker);
    assert.ok(policyOf(loadFile('policies:\n  # users:\nrules:\n')).circuitBreaker);
  });
});

describe("OpenTelemetry's declarative file", () => {
  const load = (text: string, env: Record<string, string> = {}) =>
    loadConfig({ env: { OTEL_CONFIG_FILE: 'otel.yaml', ...env }, readFile: () => text });
  const inFile = (node: string) => `
file_format: "1.0"
instrumentation/development:
  js:
    resilience:
${node.replace(/^/gm, '      ')}`;

  it('holds our configuration under instrumentation/development.js.resilience', () => {
    const config = load(inFile('mode: observe\npolicies: { default: { timeout: { attempt: 2s } } }'));
    assert.equal(policyOf(config).timeout?.attemptMs, 2_000);
    assert.equal(config.rules.mode, 'observe');
  });

  it('takes variables in values, with the type that the text then has', () => {
    const node = `
policies:
  users:
    retry:
      max_retries: \${MAX}
      methods: [ "\${env:METHOD}" ]
    timeout: { attempt: "\${ATTEMPT:-2s}", total: "\${TOTAL:-9s}" }
    bulkhead: \${BULKHEAD:-false}
    fallback:
      response:
        json:
          a: "$\${path.id}"
          b: "\${path.id}"
          c: \${UNSET}
          d: "\${NAME}"
          e: \${NAME}
rules: [{ match: { url: "http://a/:id" }, policy: users }]`;
    const env = { MAX: '3', METHOD: 'PUT', NAME: '[x, y]' };
    const users = policyOf(load(inFile(node), env), 'users');
    assert.equal(users.retry?.maxRetries, 3);
    assert.deepEqual(users.retry?.methods, ['PUT']);
    assert.deepEqual([users.timeout?.attemptMs, users.timeout?.totalMs], [2_000, 9_000]);
    assert.equal(users.bulkhead, undefined);
    const json = { a: `\${path.id}`, b: `\${path.id}`, c: null, d: '[x, y]', e: '[x, y]' };
    assert.deepEqual(users.fallback?.response?.json, json);
  });

  for (const [what, text] of [
    ['says nothing of us', 'file_format: "1.0"'],
    ['does not parse, nor speaks of us', 'a: ['],
    ['has another js node', 'instrumentation/development: { js: { http: { resilience: 1 } } }'],
    ['has an empty node', 'instrumentation/development: { js: { resilience: } }'],
    ['has something else above', 'instrumentation/development: [resilience]'],
  ] as const) {
    it(`changes nothing when it ${what}`, () => {
      assert.ok(policyOf(load(text)).circuitBreaker);
    });
  }

  it('is told once when it cannot be read, and changes nothing', () => {
    const config = loadConfig({ env: { OTEL_CONFIG_FILE: '/nowhere/otel.yaml' } });
    assert.deepEqual(
      config.problems.map(({ path }) => path),
      ['/nowhere/otel.yaml'],
    );
    assert.ok(config.policies.get('default'));
  });

  it('leaves all calls alone when it speaks of us and does not parse', () => {
    const config = load(inFile('mode: ['));
    assert.match(config.problems[0]?.path ?? '', /^otel.yaml:6:14$/);
    assert.equal(config.policies.size, 0);
  });

  it('is not asked when there is a file of our own', () => {
    const own = { OTEL_RESILIENCE_CONFIG_FILE: 'own.yaml', OTEL_CONFIG_FILE: 'otel.yaml' };
    const readFile = (file: string) => {
      assert.equal(path.basename(file), 'own.yaml');
      return 'mode: observe';
    };
    assert.equal(loadConfig({ env: own, readFile }).rules.mode, 'observe');
  });
});
