import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'mocha';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { patched } from './support/patched.ts';
import { Degrade, Retry } from './support/strategies.ts';
import { loadUndici, NODE_MAJOR, type UndiciDispatcher, VERSIONS } from './support/undici-module.ts';
import { Upstream } from './support/upstream.ts';

const TRIPS_AT_ONE = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };

/** Upgrades when asked to, with an echo; refuses with 503 under `/no`. */
async function upgradeServer(): Promise<http.Server> {
  const server = http.createServer((_request, response) => {
    response.writeHead(503);
    response.end();
  });
  server.on('upgrade', (request, socket) => {
    if (request.url === '/no') {
      socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A proxy that tunnels, and forwards what is not tunnelled. */
async function proxyServer(): Promise<{ server: http.Server; tunnels: string[] }> {
  const tunnels: string[] = [];
  const server = http.createServer((request, response) => {
    tunnels.push(`forwarded ${request.url}`);
    const onward = http.request(String(request.url), { method: request.method ?? 'GET' }, (answer) => {
      response.writeHead(answer.statusCode ?? 0);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.on('connect', (request, socket) => {
    tunnels.push(String(request.url));
    const [host, port] = String(request.url).split(':');
    const onward = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, tunnels };
}

function originOfServer(server: http.Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('kinds of dispatchers', () => {
  const cleanups: Array<() => Promise<unknown>> = [];
  beforeEach(() => patched.reset());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
    assert.deepEqual(patched.reports, []);
  });
  after(() => patched.reset());

  const upstreamWith = async (...script: Parameters<typeof Upstream.start>): Promise<Upstream> => {
    const upstream = await Upstream.start(...script);
    cleanups.push(() => upstream.stop());
    return upstream;
  };
  const closing = <T extends UndiciDispatcher>(dispatcher: T): T => {
    cleanups.unshift(() => dispatcher.destroy());
    return dispatcher;
  };
  const serving = <T extends http.Server>(server: T): T => {
    cleanups.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return server;
  };
  const hosts = (): string[] => patched.listener.started.map((call) => `${call.method} ${call.host}:${call.port}`);

  for (const version of VERSIONS) {
    describe(`of undici ${version}`, () => {
      const undici = loadUndici(version);

      it('a mock agent answers, heeds no pause, and is retried all the same', async () => {
        const agent = new undici.MockAgent();
        cleanups.push(() => agent.close());
        agent.disableNetConnect();
        const mock = agent.get('http://mocked.test');
        mock.intercept({ path: '/', method: 'GET' }).reply(503, 'no');
        mock.intercept({ path: '/', method: 'GET' }).reply(200, 'yes');
        patched.use({ recoveries: [new Retry(1)] });
        const { statusCode, body } = await undici.request('http://mocked.test/', { dispatcher: agent });
        assert.equal(statusCode, 200);
        assert.equal(await body.text(), 'yes');
        assert.deepEqual(patched.listener.attempts, [1, 2]);
      });

      it("a mock agent's last answer is released whole", async () => {
        const agent = new undici.MockAgent();
        cleanups.push(() => agent.close());
        agent.get('http://mocked.test').intercept({ path: '/', method: 'GET' }).reply(503, 'still no');
        patched.use({ recoveries: [{ mayResend: true, recover: () => Promise.resolve(undefined) }] });
        const { statusCode, body } = await undici.request('http://mocked.test/', { dispatcher: agent });
        assert.equal(statusCode, 503);
        assert.equal(await body.text(), 'still no');
        assert.equal(patched.listener.ended.length, 1);
      });

      it('a proxy agent is one call to the target, and its tunnel none', async () => {
        const upstream = await upstreamWith(200);
        const { server, tunnels } = await proxyServer();
        serving(server);
        const agent = closing(new undici.ProxyAgent(originOfServer(server)));
        patched.use();
        const { body } = await undici.request(`${upstream.origin}/`, { dispatcher: agent });
        assert.equal(await body.text(), 'hit 1');
        assert.equal(tunnels.length, 1);
        assert.deepEqual(hosts(), [`GET 127.0.0.1:${upstream.port}`]);
      });

      it('a balanced pool is known by the pool it chose', async () => {
        const upstream = await upstreamWith(200);
        const pool = closing(new undici.BalancedPool([upstream.origin]));
        patched.use();
        const { body } = await pool.request({ path: '/', method: 'GET' });
        assert.equal(await body.text(), 'hit 1');
        assert.deepEqual(hosts(), [`GET 127.0.0.1:${upstream.port}`]);
      });

      it('a client knows its origin better than the options', async () => {
        const upstream = await upstreamWith(200);
        const client = closing(new undici.Client(upstream.origin));
        patched.use();
        const { body } = await undici.request('http://elsewhere.test/', { dispatcher: client });
        assert.equal(await body.text(), 'hit 1');
        assert.deepEqual(hosts(), [`GET 127.0.0.1:${upstream.port}`]);
      });

      it('a client, a pool and an agent of a unix socket are the upstream of that socket, and tied to it', async () => {
        const socketPath = path.join(tmpdir(), `resilience-undici-${process.pid}-${version}.sock`);
        const server = serving(http.createServer((_request, response) => response.writeHead(503).end('no')));
        server.listen(socketPath);
        await once(server, 'listening');
        patched.use();
        const client = closing(new undici.Client('http://local.test', { socketPath }));
        const pool = closing(new undici.Pool('http://local.test', { socketPath }));
        const agent = closing(new undici.Agent({ connect: { socketPath } }));
        const replies = [
          await client.request({ path: '/', method: 'GET' }),
          await pool.request({ path: '/', method: 'GET' }),
          await undici.request('http://local.test/', { dispatcher: agent }),
        ];
        for (const { statusCode, body } of replies) {
          assert.equal(statusCode, 503);
          await body.text();
        }
        assert.deepEqual(
          patched.engine?.snapshots().map((upstream) => upstream.upstream),
          [`unix:${socketPath}`],
        );
        assert.deepEqual(
          patched.calls.map((call) => call.pinned()),
          [true, true, true],
        );
      });

      it('knows the identity and the place that a dispatcher’s connections are tied to', async () => {
        const upstream = await upstreamWith(200);
        const lookup = (_host: string, options: { all?: boolean }, done: (...found: unknown[]) => void): void =>
          options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
        const ties = async (connect: unknown): Promise<readonly [boolean, boolean]> => {
          patched.use();
          const kinds = [
            closing(new undici.Agent({ connect })),
            closing(new undici.Pool(upstream.origin, { connect })),
            closing(new undici.Client(upstream.origin, { connect })),
          ];
          for (const dispatcher of kinds) await (await undici.request(upstream.origin, { dispatcher })).body.text();
          const seen = patched.calls.map((call) => [call.pinned(), call.credentials() !== undefined]);
          assert.deepEqual(seen, [seen[0], seen[0], seen[0]]);
          return seen[0] as [boolean, boolean];
        };
        assert.deepEqual(await ties(undefined), [false, false]);
        assert.deepEqual(await ties({ timeout: 5000 }), [false, false]);
        assert.deepEqual(await ties({ lookup }), [true, false]);
        assert.deepEqual(await ties({ rejectUnauthorized: false }), [true, false]);
        assert.deepEqual(await ties({ key: 'k' }), [true, true]);
      });

      it('a global dispatcher set by the app is covered', async () => {
        const upstream = await upstreamWith(200);
        const before = undici.getGlobalDispatcher();
        undici.setGlobalDispatcher(closing(new undici.Agent({ connections: 1 })));
        patched.use();
        const { body } = await undici.request(`${upstream.origin}/`).finally(() => undici.setGlobalDispatcher(before));
        await body.text();
        assert.equal(hosts().length, 1);
      });

      it('an agent without a policy for the origin is left alone', async () => {
        const upstream = await upstreamWith(200);
        patched.use({ only: 'http://other.test' });
        const { body } = await undici.request(`${upstream.origin}/`);
        await body.text();
        assert.equal(hosts().length, 0);
      });

      it('an upgrade is judged at the switch, and its socket is the app’s own', async () => {
        const server = serving(await upgradeServer());
        const origin = originOfServer(server);
        const agent = closing(new undici.Agent());
        patched.use({ recoveries: [new Retry(3)], policy: { circuitBreaker: TRIPS_AT_ONE } });
        const { socket } = await undici.upgrade(origin, { protocol: 'echo', dispatcher: agent });
        assert.equal(patched.listener.ended[0]?.call.result, 'success');
        socket.write('hello');
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        assert.equal(String(chunk), 'hello');
        socket.destroy();
        await assert.rejects(undici.upgrade(`${origin}/no`, { protocol: 'echo', dispatcher: agent }));
        assert.equal(patched.listener.ended[1]?.call.result, 'failure');
        assert.deepEqual(patched.listener.attempts, [1, 1]);
        await assert.rejects(undici.upgrade(origin, { protocol: 'echo', dispatcher: agent }), {
          code: 'ERR_RESILIENCE_CIRCUIT_OPEN',
        });
      });

      it('a tunnel of the app’s own is a call', async () => {
        const upstream = await upstreamWith(200);
        const { server } = await proxyServer();
        serving(server);
        const client = closing(new undici.Client(originOfServer(server)));
        patched.use({ recoveries: [new Degrade({})] });
        const { statusCode, socket } = await client.connect({ path: `127.0.0.1:${upstream.port}` });
        assert.equal(statusCode, 200);
        socket.destroy();
        assert.deepEqual(hosts(), [`CONNECT 127.0.0.1:${(server.address() as AddressInfo).port}`]);
        assert.equal(patched.listener.ended[0]?.call.result, 'success');
      });

      if (version === '5' || version === '6') {
        it('a redirect the agent follows is a call for every hop', async () => {
          const there = await upstreamWith(200);
          const upstream = await upstreamWith((_request, response) => {
            response.writeHead(302, { location: `${there.origin}/there` }).end();
          });
          const agent = closing(new undici.Agent());
          patched.use();
          const { body } = await undici.request(`${upstream.origin}/`, { dispatcher: agent, maxRedirections: 2 });
          assert.equal(await body.text(), 'hit 1');
          assert.deepEqual(hosts(), [`GET 127.0.0.1:${upstream.port}`, `GET 127.0.0.1:${there.port}`]);
        });
      }
    });
  }

  if (NODE_MAJOR >= 22) {
    it('a global WebSocket is judged when it opens', async () => {
      const server = serving(await upgradeServer());
      const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      cleanups.push(async () => sockets.close());
      await once(sockets, 'listening');
      const url = `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}/`;
      // Its own copy has to be there before: see the tests of loading.
      await fetch(`${originOfServer(server)}/`);
      patched.use({ policy: { circuitBreaker: TRIPS_AT_ONE } });
      sockets.once('connection', (peer: ServerSocket) => peer.on('message', (data) => peer.send(String(data))));
      const socket = new WebSocket(url);
      await new Promise((resolve) => socket.addEventListener('open', resolve));
      assert.equal(patched.listener.ended[0]?.call.result, 'success');
      socket.send('ping');
      const message = await new Promise<{ data: unknown }>((resolve) => socket.addEventListener('message', resolve));
      assert.equal(message.data, 'ping');
      socket.close();
      await new Promise((resolve) => socket.addEventListener('close', resolve));
    });
  }
});
