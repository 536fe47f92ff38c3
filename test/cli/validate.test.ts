import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runCommand } from './fake-terminal.ts';
import { DESIGN, scratchFiles } from './files.ts';

const WRONG = `
polices: {}
policies:
  users:
    timeout: { attempt: soon, total: 2s }
    retry: { max_retries: -1 }
rules:
  - { match: { url: "nope" }, policy: user }
`;
const PATHS = [
  'polices',
  'policies.users.timeout.attempt',
  'policies.users.retry.max_retries',
  'rules[0].policy',
  'rules[0].match.url',
];

describe('otel-resilience validate', () => {
  const write = scratchFiles();

  it('finds nothing wrong with the documented configuration', async () => {
    const { code, stdout, stderr } = await runCommand(['validate', DESIGN]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout.replaceAll('\n', ' '), /design\.yaml: valid \(policies: default, users\)/);
  });

  it('tells every problem with its path, its place and what follows from it, and exits with 1', async () => {
    const { code, stdout, longestLine } = await runCommand(['validate', write('wrong.yaml', WRONG)]);
    assert.equal(code, 1);
    assert.match(stdout, /5 problems/);
    const told = stdout.replaceAll(/\n +/g, ' ');
    for (const path of PATHS) {
      const [, rest] = told.split(` ${path} (`);
      assert.match(rest ?? '', /^\S*wrong\.yaml:\d+:\d+\) /, path);
    }
    assert.match(told, /policy users is off: its calls go through without protection/);
    assert.match(stdout, /got "soon"/);
    assert.ok(longestLine <= 100, `${longestLine}`);
  });

  it('tells them as JSON', async () => {
    const file = write('wrong.yaml', WRONG);
    const { code, stdout } = await runCommand(['validate', file, '--json']);
    const answer = JSON.parse(stdout);
    assert.equal(code, 1);
    assert.deepEqual([answer.file, answer.valid], [file, false]);
    assert.deepEqual(
      answer.problems.map(({ path }: { path: string }) => path),
      PATHS,
    );
    const valid = JSON.parse((await runCommand(['--json', 'validate', DESIGN])).stdout);
    assert.deepEqual(valid, { file: DESIGN, valid: true, problems: [] });
  });

  it('reads JSON files, and says in which line a file does not parse', async () => {
    const json = write('good.json', '{ "policies": { "default": { "timeout": { "total": "5s" } } } }');
    assert.equal((await runCommand(['validate', json])).code, 0);
    const broken = write('broken.json', '{\n  "policies": {\n');
    const { code, stdout } = await runCommand(['validate', broken]);
    assert.equal(code, 1);
    assert.match(stdout, /broken\.json:3:1\s+does not parse/);
  });

  it('reads our part of a declarative file of OpenTelemetry, with its variables', async () => {
    const text = (attempt: string) =>
      `file_format: "1.0"\ninstrumentation/development:\n  js:\n    resilience:\n      policies: { default: { timeout: { attempt: "${attempt}" } } }\n`;
    assert.equal((await runCommand(['validate', write('otel.yaml', text('3s'))])).code, 0);
    const { code, stdout } = await runCommand(['validate', write('otel.yaml', text(`$${'{ATTEMPT}'}`))], {
      ATTEMPT: 'soon',
    });
    assert.equal(code, 1);
    assert.match(stdout, /policies\.default\.timeout\.attempt/);
  });

  it('leaves the environment out, unless asked to check it too', async () => {
    const env = { OTEL_RESILIENCE_TIMEOUT_ATTEMPT: 'soon', OTEL_RESILIENCE_ENABLED: 'true' };
    assert.equal((await runCommand(['validate', DESIGN], env)).code, 0);
    const { code, stdout } = await runCommand(['validate', DESIGN, '--env'], env);
    assert.equal(code, 1);
    assert.match(stdout, /OTEL_RESILIENCE_TIMEOUT_ATTEMPT \(environment\)\n.*got "soon"/);
  });

  it('exits with 2 for what cannot be read, and names it', async () => {
    for (const file of ['/nowhere/resilience.yaml', __dirname]) {
      const { code, stdout, stderr } = await runCommand(['validate', file]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr.replaceAll('\n', ' '), /<file> ".+" cannot be read: /);
    }
  });

  it('shows no control characters of a file', async () => {
    const file = write('hostile.yaml', 'policies: { default: { "\\e[2J": 1 } }');
    const { stdout } = await runCommand(['validate', file]);
    assert.match(stdout, /1 problem\n/);
    assert.ok(!stdout.includes('\u001b'), JSON.stringify(stdout));
  });
});
