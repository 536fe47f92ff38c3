import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'mocha';
import { Upstream } from '../support/upstream.ts';
import { REGISTER } from './app-under-test.ts';
import { OURS, runApp } from './run-app.ts';

const ROOT = path.resolve(__dirname, '../../..');
const TRIPS_AT_5 = { OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5' };
const TRIPPED = '503 503 503 503 503 ERR_RESILIENCE_CIRCUIT_OPEN';

let upstream: Upstream;
before(async () => {
  upstream = await Upstream.start();
});
after(() => upstream.close());
beforeEach(() => {
  upstream.status = 503;
  upstream.reset();
});

async function tripped(kind: string, options: { preloads?: readonly string[]; env?: Record<string, string> } = {}) {
  const ended = await runApp('children.cjs', {
    preloads: options.preloads ?? OURS,
    args: [kind, upstream.url],
    env: { ...TRIPS_AT_5, ...options.env },
  });
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
  return ended.stdout.trim();
}

describe('what an app starts besides its main thread', function () {
  this.timeout(60_000);

  for (const kind of ['thread', 'fork', 'cluster']) {
    for (const flag of ['--require', '--import']) {
      it(`has circuits of its own under ${flag}: ${kind}`, async () => {
        assert.equal(await tripped(kind, { preloads: [flag, REGISTER] }), TRIPPED);
        assert.equal(upstream.requests, 5);
      });
    }
  }

  it('is covered by NODE_OPTIONS where the flag is not handed on', async () => {
    const options = { preloads: [], env: { NODE_OPTIONS: `--require "${REGISTER}"` } };
    for (const kind of ['thread without our flag', 'fork without our flag']) {
      assert.equal(await tripped(kind, options), TRIPPED, kind);
    }
  });

  it('runs bare when it is started without us', async () => {
    assert.equal(await tripped('fork without our flag'), Array(6).fill(503).join(' '));
  });
});

describe('several of us in one process', function () {
  this.timeout(60_000);
  let folder: string;
  let copy: string;

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-'));
    const home = path.join(folder, 'copy');
    mkdirSync(home);
    cpSync(path.join(ROOT, 'build/src'), path.join(home, 'build/src'), { recursive: true });
    cpSync(path.join(ROOT, 'package.json'), path.join(home, 'package.json'));
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(home, 'node_modules'));
    copy = path.join(home, 'build/src/register.js');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('are one, whether two copies are loaded or one twice', async () => {
    for (const preloads of [
      [...OURS, '--require', copy],
      ['--require', copy, ...OURS],
      ['--import', copy, '--import', REGISTER],
      [...OURS, '--import', copy],
      [...OURS, ...OURS, '--import', REGISTER],
    ]) {
      upstream.reset();
      assert.equal(await tripped('fork', { preloads }), TRIPPED, preloads.join(' '));
      assert.equal(upstream.requests, 5);
    }
  });

  it('follow the options given in code last, for which they count afresh', async () => {
    const { code, stdout, stderr } = await runApp('code-after-preload.cjs', { args: [upstream.url], env: TRIPS_AT_5 });
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, '503 503 503 503 ERR_RESILIENCE_CIRCUIT_OPEN ERR_RESILIENCE_CIRCUIT_OPEN');
  });
});
