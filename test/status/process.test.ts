import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { after, afterEach, before, describe, it } from 'mocha';
import type { StatusDocument } from '../../src/status/document.ts';
import { cleanEnv, REGISTER } from '../e2e/app-under-test.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { ask, begin } from './requests.ts';

const FIXTURES = path.resolve(__dirname, '../../../test/status/fixtures');

/** A process under the preload that says one line when it is ready, and ends with its input. */
class App {
  stderr = '';
  readonly child: ChildProcess;
  readonly ready: Promise<string>;

  constructor(fixture: string, env: Record<string, string>, args: readonly string[] = []) {
    this.child = spawn(process.execPath, ['--require', REGISTER, path.join(FIXTURES, fixture), ...args], {
      env: cleanEnv(env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error('no output');
    stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.ready = once(readline.createInterface({ input: stdout }), 'line').then(([line]) => String(line));
  }

  /** Resolves when stderr says what is asked for. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match !== null) return match;
      await once(this.child.stderr as NonNullable<ChildProcess['stderr']>, 'data');
    }
  }

  async end(): Promise<number | null> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    child.stdin?.end();
    await once(child, 'exit');
    return child.exitCode;
  }
}

let apps: App[] = [];
let upstream: Upstream;

function start(fixture: string, env: Record<string, string>, args: readonly string[] = []): App {
  const app = new App(fixture, env, args);
  apps.push(app);
  return app;
}

before(async () => {
  upstream = await Upstream.start();
});
after(() => upstream.close());
afterEach(async () => {
  await Promise.all(apps.map((app) => app.end()));
  apps = [];
});

/** A server on a port of the system's choice. */
async function occupy(): Promise<{ port: number; leave: () => Promise<unknown> }> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const leave = async () => {
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, leave };
}

async function freePort(): Promise<number> {
  const { port, leave } = await occupy();
  await leave();
  return port;
}

/** Of the process that has the page, once one has it. */
async function statusAt(port: number): Promise<StatusDocument> {
  for (;;) {
    const answer = await ask(`http://127.0.0.1:${port}/status`).catch(() => undefined);
    if (answer !== undefined) return JSON.parse(answer.body) as StatusDocument;
  }
}

describe('a process with a status page', () => {
  it('loads nothing of it when it is off, and does when it is on', async () => {
    const loaded = async (env: Record<string, string>): Promise<string[]> =>
      JSON.parse(await start('loaded.cjs', env).ready) as string[];
    const ofStatus = (files: readonly string[]): number => files.filter((file) => file.includes('/src/status/')).length;
    assert.equal(ofStatus(await loaded({})), 0);
    assert.equal(ofStatus(await loaded({ OTEL_RESILIENCE_STATUS: '' })), 0);
    assert.ok(ofStatus(await loaded({ OTEL_RESILIENCE_STATUS: '0' })) > 5);
  });

  it('ends when the app does, whoever is listening to its events', async () => {
    const app = start('server-app.cjs', { OTEL_RESILIENCE_STATUS: '127.0.0.1:0' });
    await app.ready;
    const [, url] = await app.said(/status page at (\S+)/);
    const listener = await begin(`${url}events`);
    listener.on('error', () => {}); // reset by the end of the process
    listener.resume();
    assert.equal(await app.end(), 0);
  });

  it('is unharmed by a port that is taken, says so once, and takes over when it is free', async () => {
    const { port, leave } = await occupy();
    const app = start('server-app.cjs', { OTEL_RESILIENCE_STATUS: `127.0.0.1:${port}` });
    const own = await app.ready;
    await app.said(/no status page: .* another process/);
    assert.equal((await ask(`http://127.0.0.1:${own}/`)).body, 'ok');
    await leave();
    assert.equal((await statusAt(port)).process.pid, app.child.pid);
    assert.equal(app.stderr.trim().split('\n').length, 1, app.stderr);
  });

  it('is unharmed by an address that nobody can listen on', async () => {
    const app = start('server-app.cjs', {
      OTEL_RESILIENCE_STATUS: '192.0.2.1:9990',
      OTEL_RESILIENCE_STATUS_TOKEN: 't',
    });
    await app.ready;
    await app.said(/no status page at http:\/\/192\.0\.2\.1:9990\/: .*EADDRNOTAVAIL/);
    assert.equal(await app.end(), 0);
  });

  it('gives the page to the first worker when it is the primary of a cluster', async () => {
    upstream.status = 200;
    const port = await freePort();
    const app = start('cluster-app.cjs', { OTEL_RESILIENCE_STATUS: String(port) }, [upstream.url]);
    const primary = await app.ready;
    const { process: served, upstreams } = await statusAt(port);
    assert.notEqual(String(served.pid), primary);
    assert.equal(upstreams[0]?.upstream, upstream.url);
    await app.said(/another process/);
    assert.equal(app.stderr.trim().split('\n').length, 1, app.stderr);
    assert.equal(await app.end(), 0);
  });

  it('leaves a given port to its main thread, and gives each thread one of its own when asked to', async () => {
    const port = await freePort();
    const given = start('threads-app.cjs', { OTEL_RESILIENCE_STATUS: String(port) });
    await given.ready;
    assert.equal((await statusAt(port)).process.threadId, 0);
    assert.equal(await given.end(), 0);
    assert.equal(given.stderr, '');
    const own = start('threads-app.cjs', { OTEL_RESILIENCE_STATUS: '0' });
    await own.ready;
    const [, first, second] = await own.said(/at (\S+)\n.* at (\S+)\n/);
    const threads = await Promise.all([first, second].map(async (url) => JSON.parse((await ask(`${url}status`)).body)));
    assert.deepEqual(threads.map((document: StatusDocument) => document.process.threadId).sort(), [0, 1]);
    assert.equal(await own.end(), 0);
  });

  it('leaves the port alone in a package manager, whose child is the app', async () => {
    const env = { OTEL_RESILIENCE_STATUS: String(await freePort()) };
    const manager = start('npm-cli.js', env);
    assert.equal(await manager.ready, 'ECONNREFUSED');
    assert.equal(manager.stderr, '');
    assert.equal(await start('connects.cjs', env).ready, 'connected');
  });

  it('makes no span and no metric of the requests to the page', async () => {
    const receiver = await OtlpReceiver.start();
    const app = start('server-app.cjs', { OTEL_RESILIENCE_STATUS: '0', ...receiver.env });
    const own = await app.ready;
    const [, url] = await app.said(/status page at (\S+)/);
    for (const page of ['', 'status', 'healthz']) await ask(url + page);
    await ask(`http://127.0.0.1:${own}/`);
    assert.equal(await app.end(), 0);
    await receiver.close();
    const servers = receiver.spans.filter(({ kind }) => kind === 'SERVER');
    assert.equal(servers.length, 1, 'the app’s own server is seen');
    assert.equal(receiver.series('http.server.request.duration').length, 1);
    assert.equal(receiver.spans.length, 1);
  });
});
