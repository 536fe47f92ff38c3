import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';
import type { Traced } from './fixtures/traced-calls.ts';

const run = promisify(execFile);
const fixture = (name: string): string => path.join(__dirname, 'fixtures', name);
const ours = ['--require', fixture('register-scripted.js')];
const otel = ['--require', fixture('otel-setup.js')];
const otelWithLoader = ['--import', fixture('otel-loader.mjs')];
const oursImported = ['--import', fixture('register-scripted.js')];

interface Report {
  readonly seen: Record<string, Traced>;
  readonly faults: readonly string[];
  readonly entered: number;
}

/** Attempts on the wire, and what the app sees, case by case. */
const EXPECTED: Record<string, readonly [outcome: string, attempts: number]> = {
  plain: ['200', 1],
  armed: ['200', 1],
  'retried after a 503': ['200', 2],
  'retried after a reset': ['200', 2],
  delayed: ['200', 1],
  rejected: ['E_REFUSED', 0],
  answered: ['203', 0],
};

async function app(args: readonly string[], main: string): Promise<Report> {
  const { stdout } = await run(process.execPath, [...args, fixture(main)], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return JSON.parse(stdout) as Report;
}

function check({ seen, faults }: Report): void {
  const wanted: Record<string, Traced> = {};
  for (const key of Object.keys(seen)) {
    const [outcome, n] = EXPECTED[key.slice(key.indexOf(' ') + 1)] ?? ['?', -1];
    wanted[key] = { outcome, clientSpans: n, childrenOfCaller: n, hits: n, ownTraceparents: n, connections: n };
  }
  assert.deepEqual(seen, wanted);
  assert.deepEqual(faults, []);
  assert.ok(Object.keys(seen).length > 0);
}

describe('with OpenTelemetry instrumenting http, each attempt has one CLIENT span under the caller, a rejection none', () => {
  it('when we are loaded first', async () => check(await app([...ours, ...otel], 'app.js')));
  it('when OpenTelemetry is loaded first', async () => check(await app([...otel, ...ours], 'app.js')));
  it('when both are imported', async () =>
    check(await app([...oursImported, '--import', fixture('otel-setup.js')], 'app.js')));
  it('when OpenTelemetry is required and we are imported', async () =>
    check(await app([...otel, ...oursImported], 'app.js')));
  it('when the SDK is started inside the app', async () => check(await app(ours, 'app-late-sdk.js')));
  it('in an ES module, loaded first', async () => check(await app([...ours, ...otel], 'app-esm.mjs')));
  it('in an ES module, OpenTelemetry first', async () => check(await app([...otel, ...ours], 'app-esm.mjs')));
  it('in an ES module with the loader hook, loaded first', async () =>
    check(await app([...ours, ...otelWithLoader], 'app-esm.mjs')));
  it('in an ES module with the loader hook, both imported', async () =>
    check(await app([...oursImported, ...otelWithLoader], 'app-esm.mjs')));
  it('in an ES module with the loader hook, OpenTelemetry first', async () =>
    check(await app([...otelWithLoader, ...oursImported], 'app-esm.mjs')));
});
