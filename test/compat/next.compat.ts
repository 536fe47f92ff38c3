import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, before, beforeEach, describe, it, type Suite } from 'mocha';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { installedTool, installedVersion } from './install.ts';
import { appEnv, type Loading, preloads } from './shop.ts';
import { UnsteadyUpstream } from './unsteady-upstream.ts';

const run = promisify(execFile);
/** An installation from a registry and a build, the first time. */
const INSTALL_MS = 600_000;
const PROGRAM = 'node_modules/next/dist/bin/next';
const OTEL = './setup/otel.cjs';
const CLIENTS = ['http.get with a callback', 'http.request with an event', 'fetch'];
const BARE = [200, 503, 503, 'ECONNRESET'];
const RESCUED = [200, 200, 203, 203];
const STANDARD = { OTEL_RESILIENCE_CONFIG_FILE: './standard.yaml' };

/** `next start` in a process of its own. */
class NextServer {
  errors = '';
  readonly #child: ChildProcess;
  #url = '';

  constructor(folder: string, flags: readonly string[], env: Record<string, string>) {
    const args = [...flags, PROGRAM, 'start', 'next-app', '--port', '0', '--hostname', '127.0.0.1'];
    const all = { ...appEnv(env), NEXT_TELEMETRY_DISABLED: '1' };
    this.#child = spawn(process.execPath, args, { cwd: folder, env: all, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (chunk) => {
      this.errors += chunk;
    });
  }

  async opened(): Promise<void> {
    let output = '';
    for await (const chunk of this.#child.stdout ?? []) {
      output += chunk;
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
      if (url === undefined || !output.includes('Ready')) continue;
      this.#url = url;
      return;
    }
    throw new Error(`the server ended: ${output}${this.errors}`);
  }

  async get(target: string): Promise<unknown> {
    return await (await fetch(this.#url + target)).json();
  }

  async call(client: string, upstreamPath: string): Promise<unknown> {
    return await this.get(`/call?${new URLSearchParams({ client, path: upstreamPath })}`);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill();
    await exited;
  }
}

// An installation and a build: not in the short run.
if (process.env.COMPAT !== 'quick') describe('under Next.js 16', underNext);

function underNext(this: Suite): void {
  this.timeout(60_000);
  let folder: string;
  let upstream: UnsteadyUpstream;
  let receiver: OtlpReceiver;
  let server: NextServer | undefined;

  before(async function () {
    this.timeout(INSTALL_MS);
    folder = await installedTool('next-16');
    process.stdout.write(`    next ${installedVersion(folder, 'next')}\n`);
    await run(process.execPath, [path.join(folder, PROGRAM), 'build', 'next-app'], {
      cwd: folder,
      env: { ...appEnv({}), NEXT_TELEMETRY_DISABLED: '1' },
    });
  });
  beforeEach(async () => {
    upstream = await UnsteadyUpstream.start();
    receiver = await OtlpReceiver.start();
  });
  afterEach(async () => {
    await server?.end();
    await upstream.close();
    await receiver.close();
  });

  const open = async (flags: readonly string[], env: Record<string, string>): Promise<NextServer> => {
    server = new NextServer(folder, flags, { UPSTREAM: upstream.url, ...env });
    await server.opened();
    return server;
  };
  const traffic = async (running: NextServer): Promise<unknown[][]> => {
    const outcomes: unknown[][] = [];
    for (const [index, client] of CLIENTS.entries()) {
      const row: unknown[] = [];
      for (const target of ['/ok', `/flaky/${index}`, '/down', '/reset/it'])
        row.push(await running.call(client, target));
      outcomes.push(row.map((outcome) => (typeof outcome === 'string' ? 'ECONNRESET' : outcome)));
    }
    return outcomes;
  };
  const toUpstream = (): ReceivedSpan[] =>
    receiver.spans.filter(({ kind, attributes }) => {
      const url = String(attributes['url.full'] ?? attributes['http.url']);
      return kind === 'CLIENT' && url.startsWith(upstream.url);
    });

  for (const [loading, policy, env, outcome] of [
    ['bare', 'nothing', {}, BARE],
    ['ours first', 'the default policy', {}, BARE],
    ['tool first', 'the default policy', {}, BARE],
    ['ours first', 'retry and a fallback', STANDARD, RESCUED],
    ['tool first', 'retry and a fallback', STANDARD, RESCUED],
  ] as ReadonlyArray<readonly [Loading, string, Record<string, string>, readonly unknown[]]>) {
    it(`${loading}, with ${policy}: each attempt has one span of OpenTelemetry, and each fetch one of Next`, async () => {
      const running = await open(preloads(loading, OTEL), { ...receiver.env, ...env });
      assert.deepEqual(await traffic(running), Array(CLIENTS.length).fill([...outcome]));
      const fetches = 4;
      const wanted = upstream.attempts.length + fetches;
      while (toUpstream().length < wanted) await once(receiver, 'received');
      const spans = toUpstream();
      const byNext = spans.filter(({ scope }) => scope === 'next.js');
      assert.deepEqual([byNext.length, spans.length], [fetches, wanted]);
      assert.equal(running.errors, '');
    });
  }

  it('the data cache keeps good data, however long the upstream is answered for by a degraded response', async () => {
    const running = await open(preloads('ours first', OTEL), STANDARD);
    assert.deepEqual(await running.get('/cached'), { status: 200, body: 'body' });
    upstream.down = true;
    const before = upstream.attempts.length;
    // Stale after a second: Next asks again behind the answer.
    while (upstream.attempts.length < before + 4) {
      assert.deepEqual(await running.get('/cached'), { status: 200, body: 'body' });
    }
    upstream.down = false;
    assert.deepEqual(await running.get('/cached'), { status: 200, body: 'body' });
  });
}
