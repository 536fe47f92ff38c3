import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { runCommand } from './fake-terminal.ts';
import { DESIGN, scratchFiles } from './files.ts';

const USER = 'https://api.primary.example/users/42';

/** Value and source of an option, as the table has them. */
function option(stdout: string, name: string): string[] | undefined {
  const row = stdout.split('\n').find((line) => line.startsWith(`${name} `));
  return row?.split(/ {2,}/).slice(1);
}

describe('otel-resilience explain', () => {
  const write = scratchFiles();
  const explain = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    runCommand(['explain', DESIGN, ...args], env);

  it('names rule, policy, upstream and values of the URL for a call that a rule matches', async () => {
    const { code, stdout, stderr, longestLine } = await explain(['GET', USER]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^GET https:\/\/api\.primary\.example\/users\/42\n\n/);
    assert.match(stdout, /^rule +rules\[0\] \(user-service\) {2}GET {2}https:\/\/api\.primary\.example\/users\/:id$/m);
    assert.match(stdout, /^policy +users$/m);
    assert.match(stdout, /^upstream +user-service$/m);
    assert.match(stdout, /^mode +enforce$/m);
    assert.match(stdout, /^path\.id +42$/m);
    assert.ok(longestLine <= 100, `${longestLine}`);
  });

  it('says of each option where it comes from: default, preset, file, environment', async () => {
    const { stdout } = await explain(['GET', USER]);
    assert.deepEqual(option(stdout, 'timeout.attempt'), ['3s', 'file']);
    assert.deepEqual(option(stdout, 'retry.max_retries'), ['2', 'file']);
    assert.deepEqual(option(stdout, 'retry.backoff.max'), ['250ms', 'default']);
    assert.deepEqual(option(stdout, 'circuit_breaker.open.duration'), ['1m', 'file']);
    assert.deepEqual(option(stdout, 'rate_limiter'), ['off', 'default']);
    const env = { OTEL_RESILIENCE_PRESET: 'standard', OTEL_RESILIENCE_TIMEOUT_ATTEMPT: '2s' };
    const other = (await explain(['GET', 'https://other.example'], env)).stdout;
    assert.deepEqual(option(other, 'preset'), ['standard', 'environment']);
    assert.deepEqual(option(other, 'timeout.attempt'), ['2s', 'environment']);
    assert.deepEqual(option(other, 'bulkhead'), ['on', 'preset']);
    assert.deepEqual(option(other, 'circuit_breaker'), ['on', 'file']);
  });

  it('explains what the environment configures when no file is named', async () => {
    const env = { OTEL_RESILIENCE_PRESET: 'standard', OTEL_RESILIENCE_MODE: 'observe' };
    const { code, stdout } = await runCommand(['explain', 'GET', 'https://other.example'], env);
    assert.equal(code, 0);
    assert.match(stdout, /^mode +observe: decides and records, changes nothing$/m);
    assert.deepEqual(option(stdout, 'preset'), ['standard', 'environment']);
    const summary = await runCommand(['explain'], { ...env, OTEL_RESILIENCE_CONFIG_FILE: DESIGN });
    assert.match(summary.stdout, /^What this environment configures\n/);
    assert.match(summary.stdout, /^policies +default, users$/m);
    assert.match(summary.stdout, /^mode +observe/m);
    const none = await runCommand(['explain'], {});
    assert.deepEqual(option(none.stdout, 'circuit_breaker.minimum_calls'), ['20', 'default']);
    assert.equal(none.code, 0);
  });

  it('says that no rule matches, and which policy applies then', async () => {
    for (const [method, url] of [
      ['POST', USER],
      ['GET', 'https://example.com/'],
    ] as const) {
      const { code, stdout } = await explain([method, url]);
      assert.equal(code, 0);
      assert.match(stdout, /^rule +none matches: the default policy applies$/m);
      assert.match(stdout, /^policy +default$/m);
    }
  });

  it('says that a call is left alone', async () => {
    const { code, stdout } = await explain(['GET', 'http://localhost:9200/index']);
    assert.equal(code, 0);
    assert.match(stdout, /^rule +rules\[1\] {2}http:\/\/localhost:9200\/\*\npolicy +none: left alone$/m);
    assert.doesNotMatch(stdout, /circuit_breaker/);
  });

  const malformed: ReadonlyArray<readonly [method: string, url: string, says: RegExp]> = [
    [
      'GET',
      'api.primary.example/users/42',
      /<url> is "api\.primary\.example\/users\/42": expected an absolute URL such as/,
    ],
    ['GET', 'https://', /<url> is "https:\/\/": expected an absolute URL/],
    ['GET', 'http:example.com', /expected an absolute URL/],
    ['GET', 'ftp://example.com', /<url> is of the scheme "ftp:": expected http: or https:/],
    ['GET', 'https://user:secret@[bad', /<url> is "https:\/\/…@\[bad"/],
    [USER, 'GET', /<METHOD> is "https:\/\/api\.primary\.example\/users\/42": expected an HTTP method such as GET/],
  ];
  for (const [method, url, says] of malformed) {
    it(`refuses ${method} ${url.replace('secret', '…')}, and exits with 2`, async () => {
      const { code, stdout, stderr } = await explain([method, url]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr.replaceAll('\n', ' '), says);
      assert.doesNotMatch(stderr, /secret/);
    });
  }

  it('takes methods in any case, sockets, and drops credentials and fragments', async () => {
    assert.match((await explain(['get', `${USER}#top`])).stdout, /^GET .+users\/42\n/);
    const { stdout } = await explain(['GET', 'https://user:secret@example.com/a']);
    assert.match(stdout, /^GET https:\/\/example\.com\/a\n/);
    assert.doesNotMatch(stdout, /secret/);
    assert.match(
      (await explain(['GET', 'unix:/var/run/docker.sock'])).stdout,
      /^upstream +unix:\/var\/run\/docker\.sock$/m,
    );
  });

  it('tells it all as JSON', async () => {
    const answer = JSON.parse((await explain(['GET', USER, '--json'])).stdout);
    const { options, ...rest } = answer;
    assert.deepEqual(rest, {
      file: DESIGN,
      method: 'GET',
      url: USER,
      enabled: true,
      mode: 'enforce',
      rule: {
        path: 'rules[0]',
        source: 'file',
        name: 'user-service',
        url: 'https://api.primary.example/users/:id',
        methods: ['GET'],
        policy: 'users',
      },
      policy: 'users',
      upstream: 'user-service',
      parameters: { id: '42' },
      problems: [],
    });
    const attempt = options.find(({ path: name }: { path: string }) => name === 'timeout.attempt');
    assert.deepEqual(attempt, { path: 'timeout.attempt', value: '3s', source: 'file' });
    const alone = JSON.parse((await explain(['GET', 'http://localhost:9200/', '--json'])).stdout);
    assert.deepEqual([alone.rule.policy, alone.policy, alone.upstream, alone.options], ['none', null, null, []]);
  });

  it('explains a configuration with problems all the same, tells them, and exits with 1', async () => {
    const file = write(
      'wrong.yaml',
      `policies: { users: { retry: { max_retries: -1 } } }
rules:
  - { match: { url: "http://a.example/*" }, policy: users }
  - { match: { url: "http://b.example/*" }, policy: nobody }
`,
    );
    const a = await runCommand(['explain', file, 'GET', 'http://a.example/']);
    assert.equal(a.code, 1);
    assert.match(a.stdout, /^policy +users is off because of problems in it: left alone$/m);
    assert.match(a.stderr, /policies\.users\.retry\.max_retries/);
    const b = await runCommand(['explain', file, 'GET', 'http://b.example/']);
    assert.match(b.stdout, /^policy +the rule has problems: left alone$/m);
    assert.match(b.stderr, /there is no policy "nobody"/);
  });

  it('says why nothing is done at all', async () => {
    const off = await explain(['GET', USER], { OTEL_RESILIENCE_ENABLED: 'false' });
    assert.match(off.stdout, /OTEL_RESILIENCE_ENABLED=false: nothing is patched/);
    const broken = await runCommand(['explain', write('broken.yaml', 'policies: ['), 'GET', USER]);
    assert.equal(broken.code, 1);
    assert.match(broken.stdout.replaceAll(/\s+/g, ' '), /the default policy is off because of problems/);
  });

  it('explains the configuration that the README shows', async () => {
    const readme = readFileSync(path.join(__dirname, '../../../README.md'), 'utf8');
    const [, text = ''] = /```yaml\n(# yaml-language-server[^`]+(?:`[^`]+`[^`]+)*)```/.exec(readme) ?? [];
    const file = write('readme.yaml', text);
    assert.match((await runCommand(['explain', file, 'GET', USER])).stdout, /^policy +users$/m);
    const other = await runCommand(['explain', file, 'GET', 'https://example.com/x']);
    assert.match(other.stdout, /^policy +default$/m);
    assert.equal((await runCommand(['explain', file, 'GET', '/users/42'])).code, 2);
  });
});
