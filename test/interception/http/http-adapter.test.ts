import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { CallEngine } from '../../../src/engine/exchange.ts';
import { optionsHeader, readTarget } from '../../../src/interception/http/call/call-target.ts';
import { HttpAdapter } from '../../../src/interception/http/http-adapter.ts';
import { ScriptedEngine } from './scripted-engine.ts';
import { Upstream } from './upstream.ts';

const surface = (): string =>
  JSON.stringify(
    [http, https].flatMap((module) =>
      (['request', 'get'] as const).map((name) => [
        module[name].name,
        module[name].length,
        Object.keys(module[name]),
        Object.getOwnPropertyDescriptor(module, name),
        Object.keys(module),
      ]),
    ),
  );

const prototypes = [http.ClientRequest.prototype, http.IncomingMessage.prototype, http.OutgoingMessage.prototype];
const members = (): string =>
  JSON.stringify(prototypes.map((prototype) => [Reflect.ownKeys(prototype).map(String), Object.keys(prototype)]));
const enumerable = (): string => JSON.stringify(prototypes.map((prototype) => Object.keys(prototype)));

describe('the http adapter', () => {
  const engine = new ScriptedEngine();
  let upstream: Upstream;
  let undo: () => void = () => {};
  const faults: unknown[] = [];

  before(async () => {
    upstream = await new Upstream().listen();
  });
  after(() => upstream.close());
  beforeEach(() => {
    upstream.reset();
    engine.reset();
    faults.length = 0;
  });
  afterEach(() => undo());

  const install = (over: Partial<ConstructorParameters<typeof HttpAdapter>[0]> = {}): void => {
    undo = new HttpAdapter({ engine, bypass: () => false, report: (error) => faults.push(error), ...over }).install();
  };
  const status = async (request: http.ClientRequest): Promise<number | undefined> => {
    const [response] = (await once(request.end(), 'response')) as [http.IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  };

  it('looks like what it replaces, and leaves everything as it was', () => {
    const [before, keys, listed] = [surface(), members(), enumerable()];
    const { request, get } = http;
    install();
    assert.notEqual(http.request, request);
    assert.equal(surface(), before);
    assert.equal(enumerable(), listed);
    undo();
    assert.equal(http.request, request);
    assert.equal(http.get, get);
    assert.equal(members(), keys);
  });

  it('goes on to work, plainly, for those who keep a function it has taken back', async () => {
    install();
    const { request } = http;
    undo();
    assert.equal(await status(request({ host: '127.0.0.1', port: upstream.port })), 200);
    assert.deepEqual(engine.routes, []);
  });

  it('routes by what Node would do with the arguments', () => {
    install();
    const agent = new http.Agent({ maxSockets: 1 });
    Object.assign(agent, { addRequest: () => {} });
    const at = 'http://User:pw@EXAMPLE.test:8080/a/b?c=d#e';
    http.request(at, { agent });
    http.request(new URL('http://[::1]/x'), { agent });
    http.request(at, { agent, method: 'post', path: '/other', port: 99 }, () => {});
    http.request({ agent, hostname: 'h1', host: 'h2', port: '81' });
    http.request({ agent, host: '::1', defaultPort: 82 });
    http.request({ agent, socketPath: '/tmp/a.sock', path: '/p' });
    http.request({ agent, method: 'CONNECT', host: 'proxy', port: 3128, path: 'a:443' });
    http.get({ agent });
    assert.deepEqual(engine.routes, [
      'http: example.test 8080 GET /a/b?c=d',
      'http: ::1 80 GET /x',
      'http: example.test 99 POST /other',
      'http: h1 81 GET /',
      'http: ::1 82 GET /',
      'http: /tmp/a.sock 0 GET /p',
      'http: proxy 3128 CONNECT a:443',
      'http: localhost 80 GET /',
    ]);
    engine.reset();
    const secure = new https.Agent();
    Object.assign(secure, { addRequest: () => {} });
    https.request('https://example.test/', { agent: secure });
    http.request({ agent: secure, protocol: 'https:', host: 'h' } as http.RequestOptions);
    assert.deepEqual(engine.routes, ['https: example.test 443 GET /', 'https: h 443 GET /']);
  });

  it('gives the engine the headers of a call, in whatever shape they were given', async () => {
    install();
    const seen: Array<string | undefined> = [];
    const script = {
      first: (call: { exchange: { header(name: string): string | undefined; fail(error: Error): void } }) => {
        for (const name of ['idempotency-key', 'authorization', 'accept', 'none'])
          seen.push(call.exchange.header(name));
        call.exchange.fail(new Error('enough'));
      },
    };
    engine.reset(script);
    const options = { host: '127.0.0.1', port: 1, auth: 'a:b' };
    for (const headers of [
      { 'Idempotency-Key': '1', Accept: ['a', 'b'] },
      ['Idempotency-Key', '1', 'Accept', 'a', 'Accept', 'b'],
    ]) {
      http.request({ ...options, headers: headers as http.OutgoingHttpHeaders }).on('error', () => {});
    }
    await new Promise(setImmediate);
    assert.deepEqual(seen.slice(0, 4), ['1', 'Basic YTpi', 'a, b', undefined]);
    assert.deepEqual([seen[4], seen[6]], ['1', 'a, b']);
    for (const headers of [{ A: 'b' }, ['A', 'b'], [['A', 'b']]]) {
      const target = readTarget({ protocol: 'http:', globalAgent: http.globalAgent }, [{ ...options, headers }]);
      assert.ok(target);
      assert.equal(optionsHeader(target, 'a'), 'b');
      assert.equal(optionsHeader(target, 'authorization'), 'Basic YTpi');
      assert.equal(optionsHeader(target, 'c'), undefined);
    }
  });

  it('leaves alone what is to bypass it, and calls made while an attempt is made', async () => {
    install({ bypass: () => true });
    engine.reset({});
    assert.equal(await status(http.request({ host: '127.0.0.1', port: upstream.port })), 200);
    undo();
    install();
    const agent = new http.Agent();
    const { addRequest } = agent as unknown as { addRequest(...args: unknown[]): void };
    let inner: http.ClientRequest | undefined;
    Object.assign(agent, {
      addRequest(...args: unknown[]) {
        inner = http.request({ host: '127.0.0.1', port: upstream.port });
        addRequest.apply(agent, args);
      },
    });
    await status(http.request({ host: '127.0.0.1', port: upstream.port, agent }));
    assert.equal(engine.calls.length, 1);
    assert.ok(inner);
    await status(inner);
  });

  it('lets a call go its way, with one report, if our own side fails before there is anything to see', async () => {
    const broken = new Error('a fault of ours');
    const fail = (): never => {
      throw broken;
    };
    const faulty: CallEngine[] = [
      { route: fail, open: fail },
      { route: () => ({ buffersOutcome: true, maxReplayBytes: 1 }), open: fail },
      {
        route: () => ({ buffersOutcome: false, maxReplayBytes: 0 }),
        open: () =>
          ({ ...engine.open({ buffersOutcome: false, maxReplayBytes: 0 }, {} as never), begin: fail }) as never,
      },
    ];
    for (const each of faulty) {
      faults.length = 0;
      install({ engine: each });
      assert.equal(await status(http.request({ host: '127.0.0.1', port: upstream.port })), 200);
      assert.deepEqual(faults, [broken]);
      undo();
    }
  });

  it('lets events through, with a report, if our own side fails on one of them', async () => {
    const broken = new Error('a fault of ours');
    for (const buffersOutcome of [false, true]) {
      faults.length = 0;
      install();
      engine.reset({
        buffersOutcome,
        head: () => {
          throw broken;
        },
      });
      assert.equal(await status(http.request({ host: '127.0.0.1', port: upstream.port })), 200);
      assert.deepEqual(faults, [broken]);
      undo();
    }
  });

  it('gives the app what was held, with a report, if our own side fails to go on', async () => {
    const broken = new Error('a fault of ours');
    const fail = (): never => {
      throw broken;
    };
    install();
    engine.reset({ buffersOutcome: true, head: () => fail, error: () => fail });
    assert.equal(await status(http.request({ host: '127.0.0.1', port: upstream.port })), 200);
    upstream.reset('reset');
    const agent = new http.Agent();
    await assert.rejects(status(http.request({ host: '127.0.0.1', port: upstream.port, agent })), {
      code: 'ECONNRESET',
    });
    assert.deepEqual(faults, [broken, broken]);
  });

  it('tells the engine that a call is over if Node refuses its arguments', () => {
    install();
    for (const buffersOutcome of [false, true]) {
      engine.reset({ buffersOutcome });
      assert.throws(() => http.request({ headers: { 'bad name': '1' } }), { code: 'ERR_INVALID_HTTP_TOKEN' });
      assert.deepEqual(engine.last.log, ['begin', 'abort']);
    }
    engine.reset({ first: () => {} });
    assert.throws(() => http.request({ headers: { 'bad name': '1' } }), { code: 'ERR_INVALID_HTTP_TOKEN' });
    assert.deepEqual(engine.last.log, ['begin', 'abort']);
  });

  it('reports how each plain call ended', async () => {
    install();
    const agent = new http.Agent();
    const play = async (steps: Upstream['steps'], act: (request: http.ClientRequest) => void): Promise<string[]> => {
      upstream.reset(...steps);
      engine.reset({});
      const request = http.request({ host: '127.0.0.1', port: upstream.port, agent });
      request.on('error', () => {});
      const closed = new Promise((resolve) => request.once('close', resolve));
      act(request);
      request.end();
      await closed;
      return engine.last.log.slice(1);
    };
    const read = (request: http.ClientRequest): void =>
      void request.on('response', (response) => response.on('error', () => {}).resume());
    assert.deepEqual(await play([], read), ['head 200', 'body end']);
    assert.deepEqual(await play([503], () => {}), ['head 503', 'body end']);
    assert.deepEqual(await play(['reset'], read), ['error ECONNRESET']);
    assert.deepEqual(await play(['truncate'], read), ['head 200', 'body error ECONNRESET']);
    assert.deepEqual(await play(['hang'], (request) => void setTimeout(() => request.destroy(), 20)), ['abort']);
    assert.deepEqual(await play(['hang'], (request) => void setTimeout(() => request.abort(), 20)), ['abort']);
    assert.deepEqual(
      await play(['hang'], (request) => void request.setTimeout(20, () => request.destroy(new Error('late')))),
      ['abort'],
    );
    assert.deepEqual(
      await play(['truncate'], (request) => void request.on('response', (response) => response.destroy())),
      ['head 200', 'abort'],
    );
    assert.deepEqual(
      await play(
        ['truncate'],
        (request) =>
          void request.on('response', (response) => response.on('error', () => {}).destroy(new Error('enough'))),
      ),
      ['head 200', 'abort'],
    );
    assert.deepEqual(
      await play(
        [],
        (request) => void request.on('response', (response) => response.resume().on('end', () => request.destroy())),
      ),
      ['head 200', 'body end'],
    );
  });
});
