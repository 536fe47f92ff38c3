import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import axios from 'axios';
import got11 from 'got11';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import type { Undo } from '../../../src/interception/patch.ts';
import { CERTIFICATE, KEY } from './fixtures/certificate.ts';
import { retrying, type Script, ScriptedEngine } from './scripted-engine.ts';
import { Upstream } from './upstream.ts';

type Send = (url: string, body: string | undefined) => Promise<number>;

const refusal = Object.assign(new Error('refused by policy'), { code: 'E_REFUSED' });

/** As the agents for plain proxies do it: the head is written again, with the proxy's form of the path, once they connect. */
class RewritingAgent extends http.Agent {
  addRequest(request: http.ClientRequest, options: object): void {
    Object.assign(request, { _header: null, path: `http://proxied.test${request.path}` });
    request.setHeader('x-proxied', 'yes');
    const { addRequest } = http.Agent.prototype as unknown as { addRequest(...args: unknown[]): void };
    setImmediate(() => {
      const message = request as unknown as {
        _header: string | null;
        _implicitHeader(): void;
        outputData: Array<{ data: string }>;
      };
      message._header = null;
      message._implicitHeader();
      const [first] = message.outputData;
      if (first !== undefined) first.data = message._header + first.data.slice(first.data.indexOf('\r\n\r\n') + 4);
      addRequest.call(this, request, options);
    });
  }
}

describe('http clients over the patched modules', () => {
  const engine = new ScriptedEngine();
  const faults: unknown[] = [];
  let undo: Undo;
  let upstream: Upstream;

  before(async () => {
    upstream = await new Upstream().listen();
    ({ undo } = patchHttp({ engine, bypass: () => false, report: (error) => faults.push(error) }));
  });
  after(async () => {
    undo();
    await upstream.close();
  });
  beforeEach(() => upstream.reset());
  afterEach(() => assert.deepEqual(faults, []));

  const clients: Record<string, () => Promise<Send>> = {
    axios: async () => async (url, body) =>
      (
        await axios.request({
          url,
          method: body === undefined ? 'get' : 'post',
          data: body,
          validateStatus: null,
          adapter: 'http',
        })
      ).status,
    got: async () => {
      const { got } = await import('got');
      return async (url, body) =>
        (
          await got(url, {
            throwHttpErrors: false,
            retry: { limit: 0 },
            ...(body === undefined ? {} : { method: 'POST', body }),
          })
        ).statusCode;
    },
    'got 11': async () => {
      return async (url, body) =>
        (
          await got11(url, {
            throwHttpErrors: false,
            retry: 0,
            timeout: 2000,
            ...(body === undefined ? {} : { method: 'POST', body }),
          })
        ).statusCode;
    },
    'node-fetch 2': async () => {
      const { default: fetch } = { default: createRequire(__filename)('node-fetch2') as typeof globalThis.fetch };
      return async (url, body) => {
        const response = await fetch(url, body === undefined ? {} : { method: 'POST', body });
        await response.text();
        return response.status;
      };
    },
  };

  for (const [name, load] of Object.entries(clients)) {
    it(`${name}: passes, repeats, delays, refuses, answers`, async () => {
      const send = await load();
      const url = `http://127.0.0.1:${upstream.port}/x`;
      const play = async (script: Script, steps: Upstream['steps'], body?: string): Promise<number> => {
        engine.reset(script);
        upstream.reset(...steps);
        return await send(url, body);
      };
      assert.equal(await play({}, []), 200);
      assert.equal(await play(retrying(3), [503, 502]), 200);
      assert.equal(upstream.hits, 3);
      assert.equal(await play(retrying(3), ['reset', 'reset']), 200);
      assert.equal(await play(retrying(3), [503, 'reset'], 'body'), 200);
      assert.deepEqual(upstream.bodies, ['body', 'body']);
      assert.equal(await play(retrying(2), [503, 502]), 502);
      assert.equal(await play({ first: (call) => void setTimeout(() => call.send(), 10) }, [], 'late'), 200);
      assert.deepEqual(upstream.bodies, ['late']);
      assert.equal(
        await play(
          {
            buffersOutcome: true,
            first: (call) =>
              call.exchange.respond({ status: 203, headers: [['content-type', 'text/plain']], body: Buffer.from('x') }),
          },
          [],
        ),
        203,
      );
      const error = (await play({ first: (call) => call.exchange.fail(refusal) }, []).catch(
        (thrown: Error) => thrown,
      )) as Error & { code?: string };
      assert.equal(error.code ?? (error.cause as { code?: string }).code, 'E_REFUSED');
      assert.equal(upstream.hits, 0);
    });
  }

  it('an agent that renders the head anew has it sent on every attempt', async () => {
    const agent = new RewritingAgent();
    for (const body of ['', 'something']) {
      engine.reset(retrying(2));
      upstream.reset(503);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const options = { host: '127.0.0.1', port: upstream.port, path: '/x', method: 'POST', agent };
        const request = http.request(options, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        });
        request.on('error', reject);
        request.end(body);
      });
      assert.equal(status, 200);
      const told = upstream.heads.map(({ url, headers }) => `${url} ${headers['x-proxied']}`);
      assert.deepEqual(told, [`http://proxied.test/x yes`, `http://proxied.test/x yes`]);
      assert.deepEqual(upstream.bodies, [body, body]);
    }
  });

  it('an agent that goes through a proxy is used for every attempt, with the proxy told anew', async () => {
    const connects: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
      connects.push(String(request.url));
      const [host, port] = String(request.url).split(':');
      const tunnel = net.connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        tunnel.pipe(socket).pipe(tunnel);
      });
      tunnel.on('error', () => socket.destroy());
      socket.on('error', () => tunnel.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const secure = await new Upstream(
      https.createServer({ cert: CERTIFICATE, key: KEY }) as unknown as http.Server,
    ).listen();
    const agent = new HttpsProxyAgent(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    for (const script of [retrying(3), { first: (call) => void setTimeout(() => call.send(), 5) } satisfies Script]) {
      engine.reset(script);
      secure.reset(...(script === undefined ? [] : 'head' in script ? ([503, 'hang_up'] as const) : []));
      connects.length = 0;
      const options = { host: '127.0.0.1', port: secure.port, agent, ca: CERTIFICATE } as https.RequestOptions;
      const status = await new Promise((resolve, reject) => {
        const request = https.request(options, (response) =>
          response.resume().on('end', () => resolve(response.statusCode)),
        );
        request.on('error', reject);
        request.end();
      });
      assert.equal(status, 200);
      assert.equal(connects.length, secure.hits);
      assert.equal(connects[0], `127.0.0.1:${secure.port}`);
    }
    agent.destroy();
    await secure.close();
    proxy.closeAllConnections();
    proxy.close();
  });

  it('a sinon stub stays outside, and restores us', async () => {
    engine.reset({});
    const ours = http.request;
    const stub = sinon.stub(http, 'request').callsFake(() => {
      throw new Error('stubbed');
    });
    assert.throws(() => http.request('http://127.0.0.1:1/'), /stubbed/);
    assert.equal(engine.calls.length, 0);
    stub.restore();
    assert.equal(http.request, ours);
  });

  // What nock is made of needs a method that Node 20 lacks.
  const nockRuns = 'withResolvers' in Promise;
  if (nockRuns)
    it('nock answers before us, and what it lets through is ours', async () => {
      const { default: nock } = await import('nock');
      const ours = http.request;
      engine.reset({});
      nock('http://nocked.example').get('/a').reply(418, 'teapot');
      nock.enableNetConnect('127.0.0.1');
      try {
        const get = (url: string): Promise<number | undefined> =>
          new Promise((resolve, reject) => {
            http
              .get(url, (response) => response.resume().on('end', () => resolve(response.statusCode)))
              .on('error', reject);
          });
        assert.equal(await get('http://nocked.example/a'), 418);
        assert.equal(upstream.hits, 0);
        assert.equal(await get(`http://127.0.0.1:${upstream.port}/`), 200);
      } finally {
        nock.restore();
        nock.cleanAll();
      }
      assert.equal(http.request, ours);
    });
});
