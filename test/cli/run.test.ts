import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { COMMANDS } from '../../src/cli/commands.ts';
import { PACKAGE_VERSION } from '../../src/version.ts';
import { runCommand } from './fake-terminal.ts';

describe('otel-resilience', () => {
  it('lists its commands and exit codes with --help, -h and help', async () => {
    const { stdout, code, longestLine } = await runCommand(['--help']);
    assert.equal(code, 0);
    for (const { name } of COMMANDS) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'));
    assert.match(stdout, /Exit code\n {2}0 {2}done/);
    assert.ok(longestLine <= 100, `${longestLine}`);
    for (const args of [['-h'], ['help']]) assert.equal((await runCommand(args)).stdout, stdout);
  });

  for (const { name, flags, exits } of COMMANDS) {
    it(`documents ${name}: its options and exit codes`, async () => {
      const { stdout, code, longestLine } = await runCommand([name, '--help']);
      assert.equal(code, 0);
      for (const [flag] of flags) assert.ok(stdout.includes(`  ${flag}`), flag);
      for (const [exit] of exits) assert.match(stdout, new RegExp(`^  ${exit}  `, 'm'));
      assert.ok(longestLine <= 100, `${longestLine}`);
      assert.equal((await runCommand(['help', name])).stdout, stdout);
      assert.equal((await runCommand(['--help', name])).stdout, stdout);
    });
  }

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(path.join(__dirname, '../../../package.json'), 'utf8'));
    assert.equal(PACKAGE_VERSION, version);
    for (const flag of ['--version', '-V']) assert.equal((await runCommand([flag])).stdout, `${version}\n`);
  });

  const mistakes: ReadonlyArray<readonly [args: string[], says: RegExp]> = [
    [[], /<command>/],
    [['explian'], /no command "explian" \(did you mean explain\?\): expected validate, explain/],
    [['--jsn'], /unknown option "--jsn": expected a command first/],
    [['validate'], /<file> is missing: expected otel-resilience validate <file>/],
    [['validate', 'a', 'b'], /one argument too many, "b": expected otel-resilience validate <file>/],
    [['validate', 'a', '--jsn'], /unknown option --jsn \(did you mean --json\?\): expected --env, --json, --help/],
    [['validate', 'a', '--json=x'], /--json takes no value, got "x"/],
    [['explain', 'a', 'GET'], /<url> is "GET": expected an absolute URL/],
    [['status', 'x:y'], /\[address\] is "x:y": expected host:port such as 127.0.0.1:9990/],
    [['status', '127.0.0.1:99999'], /expected host:port/],
  ];
  for (const [args, says] of mistakes) {
    it(`refuses "${args.join(' ')}": exit 2, and says what was expected where`, async () => {
      const { code, stdout, stderr, longestLine } = await runCommand(args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr.replaceAll('\n', ' '), says);
      assert.ok(longestLine <= 100, `${longestLine}`);
    });
  }

  it('shows no control characters of what it was given', async () => {
    const { stderr } = await runCommand(['\u001b[31mred']);
    assert.ok(!stderr.includes('\u001b'), JSON.stringify(stderr));
  });
});

describe('otel-resilience schema', () => {
  it('prints the JSON Schema that the package ships', async () => {
    const { stdout, code } = await runCommand(['schema']);
    const shipped = readFileSync(path.join(__dirname, '../../../config.schema.json'), 'utf8');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), JSON.parse(shipped));
  });
});
