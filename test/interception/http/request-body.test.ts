import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'mocha';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import type { Undo } from '../../../src/interception/patch.ts';
import { retrying, type Script, type ScriptedCall, ScriptedEngine } from './scripted-engine.ts';
import { Upstream } from './upstream.ts';

const later = (act: () => void): void => void setTimeout(act, 15);
const DEGRADED = { status: 203, headers: [], body: Buffer.from('degraded') };

/** Holds every outcome for a moment; then does this. */
function holding(then: (call: ScriptedCall) => void, extra: Partial<Script> = {}): Script {
  const held = () => (call: ScriptedCall) => later(() => then(call));
  const first = (call: ScriptedCall) => (call.attempts < 2 ? held() : undefined);
  return { buffersOutcome: true, maxReplayBytes: 65_536, head: first, error: first, ...extra };
}

async function deadPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('a request body that is still being written when an outcome is held', () => {
  const engine = new ScriptedEngine();
  const faults: unknown[] = [];
  let undo: Undo;
  let upstream: Upstream;
  let dead = 0;

  before(async () => {
    upstream = await new Upstream().listen();
    dead = await deadPort();
    ({ undo } = patchHttp({ engine, bypass: () => false, report: (error) => faults.push(error) }));
  });
  after(async () => {
    undo();
    await upstream.close();
  });
  afterEach(() => assert.deepEqual(faults, []));

  /** A POST whose first connection is refused. */
  function refused(script: Script, options: http.RequestOptions = {}): http.ClientRequest {
    engine.reset(script);
    upstream.reset();
    const agent = new http.Agent();
    let attempts = 0;
    Object.assign(agent, {
      createConnection: (given: net.TcpNetConnectOpts) =>
        net.connect(attempts++ === 0 ? { ...given, port: dead } : given),
    });
    return http.request({ host: '127.0.0.1', port: upstream.port, method: 'POST', agent, ...options });
  }

  it('arrives in full when the app begins to write during the hold', async () => {
    const request = refused(holding((call) => call.send()));
    await new Promise((resolve) => void setTimeout(resolve, 5));
    request.write('one ');
    later(() => later(() => request.end('two')));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 200);
    assert.deepEqual(upstream.bodies, ['one two']);
  });

  it('arrives in full when it was begun before, and goes on after the hold', async () => {
    const request = refused(holding((call) => call.send()));
    request.write('one ');
    setTimeout(() => request.write(Buffer.from('two ')), 8);
    setTimeout(() => request.end('three'), 60);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.deepEqual(upstream.bodies, ['one two three']);
    assert.equal(request.writableFinished, true);
  });

  it('goes with the headers that the app sets during the hold', async () => {
    const request = refused(holding((call) => call.send()));
    setTimeout(() => {
      request.setHeader('x-late', 'yes');
      assert.equal(engine.last.exchange.header('x-late'), 'yes');
      request.end('body');
    }, 8);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(upstream.heads[0]?.headers['x-late'], 'yes');
  });

  it('is asked for again by a second attempt that has to wait for a 100', async () => {
    const request = refused(
      holding((call) => call.send()),
      {
        headers: { expect: '100-continue', 'content-length': 5 },
      },
    );
    let asked = 0;
    request.on('continue', () => {
      asked++;
      request.end('hello');
    });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(asked, 1);
    assert.deepEqual(upstream.bodies, ['hello']);
  });

  it('gives the app the outcome that is held when it outgrows what may be kept', async () => {
    const script = holding((call) => call.send(), {
      maxReplayBytes: 10,
      error: (call) => (call.attempts < 2 ? (c) => later(() => c.send()) : undefined),
    });
    const request = refused(script);
    request.on('error', () => {});
    request.write('little');
    setTimeout(() => request.write('more than ten bytes'), 5);
    const [error] = (await once(request, 'error')) as [Error & { code?: string }];
    assert.equal(upstream.hits, 0);
    assert.match(String(error.code), /^(?:ECONNREFUSED|ERR_NOT_REPEATABLE)$/);
  });

  it('does not keep a substitute from an app that waits for the answer before it writes', async () => {
    const request = refused(holding((call) => call.exchange.respond(DEGRADED)));
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 203);
    request.end('body');
    await once(request, 'close');
  });

  it('does not keep a substitute from an app that goes on writing', async () => {
    const request = refused(holding((call) => call.exchange.respond(DEGRADED)));
    const timer = setInterval(() => request.write(Buffer.alloc(30_000)), 3);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 203);
    clearInterval(timer);
    request.end();
    await once(request, 'close');
  });

  it('does not keep an app from giving up', async () => {
    for (const what of ['before', 'held'] as const) {
      const request = refused(holding(() => {}));
      request.write('some');
      const error = new Error('enough');
      setTimeout(() => request.destroy(error), what === 'held' ? 10 : 0);
      const closed = new Promise((resolve) => request.once('close', resolve));
      const [seen] = (await once(request, 'error')) as [Error];
      assert.equal(seen, error);
      await closed;
      assert.equal(engine.last.log.at(-1), 'abort');
    }
  });

  it('is not repeated where an app may wait for the answer it got', async () => {
    engine.reset(retrying(3));
    upstream.reset({ early: 503 });
    const request = http.request({ host: '127.0.0.1', port: upstream.port, method: 'POST', agent: false });
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(response.statusCode, 503);
    assert.equal(upstream.hits, 1);
    request.on('error', () => {});
    request.destroy();
  });
});

describe('further attempts and tools that change requests', () => {
  const engine = new ScriptedEngine();
  const faults: unknown[] = [];
  let undo: Undo;
  let upstream: Upstream;

  before(async () => {
    upstream = await new Upstream().listen();
  });
  after(() => upstream.close());
  afterEach(() => {
    undo();
    assert.deepEqual(faults, []);
  });
  const install = (): void => {
    ({ undo } = patchHttp({ engine, bypass: () => false, report: (error) => faults.push(error) }));
  };

  it('emits what happens to an attempt by the own `emit` of its request, which tracers override', async () => {
    const seen: string[][] = [];
    const plain = http.request;
    http.request = function request(this: unknown, ...args: unknown[]) {
      const made = Reflect.apply(plain, this, args) as http.ClientRequest;
      const { emit } = made;
      const mine: string[] = [];
      seen.push(mine);
      made.emit = function (this: http.ClientRequest, type: string, ...rest: unknown[]) {
        mine.push(type);
        return Reflect.apply(emit, this, [type, ...rest]);
      } as typeof made.emit;
      return made;
    } as typeof http.request;
    try {
      install();
      engine.reset(retrying(2));
      upstream.reset(503);
      const request = http.get({ host: '127.0.0.1', port: upstream.port, agent: false });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      response.resume();
      await once(request, 'close');
      assert.equal(seen.length, 2);
      for (const events of seen) assert.ok(events.includes('response') && events.includes('close'), events.join());
    } finally {
      undo();
      http.request = plain;
    }
  });

  it('leaves an object that is no request of Node with its callback, also where a retry is possible', async () => {
    const { ClientRequest } = http;
    const plain = http.request;
    const { EventEmitter } = await import('node:events');
    http.request = (() => Object.assign(new EventEmitter(), { end() {} })) as unknown as typeof http.request;
    try {
      install();
      engine.reset(retrying(2));
      let called = 0;
      const request = http.request({ host: 'mocked.test' }, () => called++);
      request.emit('response', {} as http.IncomingMessage);
      assert.equal(called, 1);
      assert.deepEqual(engine.last.log, ['begin', 'abort']);
    } finally {
      undo();
      http.request = plain;
    }
    assert.equal(http.ClientRequest, ClientRequest);
  });

  it('counts and repeats a call made while http.ClientRequest is replaced', async () => {
    install();
    const { ClientRequest } = http;
    Object.assign(http, { ClientRequest: function Mine() {} });
    try {
      engine.reset(retrying(2));
      upstream.reset(503);
      const [response] = (await once(
        http.get({ host: '127.0.0.1', port: upstream.port, agent: false }),
        'response',
      )) as [http.IncomingMessage];
      response.resume();
      assert.equal(response.statusCode, 200);
      assert.equal(upstream.hits, 2);
    } finally {
      Object.assign(http, { ClientRequest });
    }
  });
});
