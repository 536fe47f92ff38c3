import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, afterEach, describe, it } from 'mocha';
import { BulkheadFullError } from '../../../src/errors.ts';
import type { Rejection } from '../../../src/strategies/shared/contract.ts';
import { patched } from './support/patched.ts';
import { Degrade, Divert, Ponder, Queue, Retry, turns } from './support/strategies.ts';
import { loadUndici, type UndiciDispatcher, VERSIONS } from './support/undici-module.ts';
import { Upstream } from './support/upstream.ts';

const TLS = path.join(__dirname, '../../../../test/support/tls');

/** Gives its pieces when it is told to. */
class Source {
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      this.#controller = controller;
    },
  });

  push(text: string): void {
    this.#controller?.enqueue(Buffer.from(text));
  }

  end(): void {
    this.#controller?.close();
  }
}

describe('content that is still being produced', () => {
  let upstream: Upstream | undefined;
  afterEach(async () => {
    patched.reset();
    await upstream?.stop();
    upstream = undefined;
  });

  const post = (origin: string, body: ReadableStream, signal?: AbortSignal): Promise<Response> =>
    fetch(origin, { method: 'POST', body, duplex: 'half', signal } as RequestInit);

  it('is not sent again after half of it is gone: the app gets the native outcome', async () => {
    upstream = await Upstream.start(200);
    upstream.server.prependOnceListener('request', (request) => {
      request.once('data', () => request.socket.resetAndDestroy());
    });
    const retry = new Retry(2);
    patched.use({ recoveries: [retry] });
    const source = new Source();
    source.push('first ');
    await assert.rejects(post(upstream.origin, source.stream), TypeError);
    source.push('second');
    assert.equal(retry.outcomes.length, 1);
    assert.deepEqual(upstream.hits, []);
  });

  it('is sent whole after a refused connection', async () => {
    upstream = await Upstream.start(200);
    const closed = net.createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    patched.use({ recoveries: [new Divert(upstream)] });
    const source = new Source();
    source.push('first ');
    const reply = post(`http://127.0.0.1:${port}`, source.stream);
    const arrival = upstream.arrival();
    await arrival;
    source.push('second');
    source.end();
    assert.equal((await reply).status, 200);
    assert.equal(upstream.hits[0]?.body, 'first second');
  });

  it('does not delay a substitute in the place of the first attempt', async () => {
    upstream = await Upstream.start(200);
    const rejecting = {
      acquire: () => ({ kind: 'rejection', reason: 'circuit_open', toError: () => new Error('no') }),
    };
    patched.use({ guards: [rejecting as never], recoveries: [new Degrade({ text: 'instead' })] });
    const source = new Source();
    const response = await post(upstream.origin, source.stream);
    assert.equal(await response.text(), 'instead');
  });

  it('is cut off, never ended as if it were whole, when a substitute answers for an early refusal', async () => {
    const whole: boolean[] = [];
    const server = http.createServer((request, response) => {
      response.writeHead(503).write('no');
      request.on('data', () => {});
      request.on('error', () => {});
      request.on('close', () => whole.push(request.complete));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    patched.use({ recoveries: [new Degrade({ text: 'instead' })] });
    const source = new Source();
    source.push('first');
    const response = await post(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, source.stream);
    assert.equal(await response.text(), 'instead');
    while (whole.length === 0) await turns(1);
    assert.deepEqual(whole, [false]);
    server.close();
  });

  it('does not keep a held call from its signal', async () => {
    upstream = await Upstream.start((_request, response) => response.writeHead(503).end('no'));
    const ponder = new Ponder();
    patched.use({ recoveries: [ponder] });
    const controller = new AbortController();
    const reply = fetch(upstream.origin, { signal: controller.signal });
    reply.catch(() => {});
    await ponder.next();
    controller.abort(new Error('enough'));
    await assert.rejects(reply, /enough/);
  });
});

for (const version of VERSIONS) {
  describe(`undici ${version} does what it does without us`, () => {
    const undici = loadUndici(version);
    const closing: UndiciDispatcher[] = [];
    let upstream: Upstream | undefined;
    afterEach(async () => {
      patched.reset();
      for (const dispatcher of closing.splice(0)) await dispatcher.destroy();
      await upstream?.stop();
      upstream = undefined;
    });
    const keep = <T extends UndiciDispatcher>(dispatcher: T): T => {
      closing.push(dispatcher);
      return dispatcher;
    };

    it('with an empty stream that has ended', async () => {
      upstream = await Upstream.start(200);
      const client = keep(new undici.Client(upstream.origin));
      patched.use({ recoveries: [new Retry(1)] });
      const body = new Readable({ read() {} });
      body.push(null);
      const closed = once(body, 'close');
      const ended = once(body, 'end');
      await (await client.request({ path: '/', method: 'POST', body })).body.text();
      await ended;
      await closed;
      assert.equal(body.destroyed, true);
    });

    it('and ends a generator that a substitute has made useless', async () => {
      upstream = await Upstream.start('hang');
      upstream.server.prependOnceListener('request', (_request, response) => response.writeHead(503).end('no'));
      patched.use({ recoveries: [new Degrade({ text: 'instead' })] });
      let finish: () => void = () => {};
      let goOn: () => void = () => {};
      const finished = new Promise<void>((resolve) => (finish = resolve));
      const more = new Promise<void>((resolve) => (goOn = resolve));
      async function* produce(): AsyncGenerator<Buffer> {
        try {
          yield Buffer.from('first');
          await more;
          yield Buffer.from('second');
          yield Buffer.from('third');
        } finally {
          finish();
        }
      }
      const agent = keep(new undici.Agent());
      const options = { method: 'POST', body: produce(), dispatcher: agent };
      const reply = await undici.request(upstream.origin, options);
      assert.equal(await reply.body.text(), 'instead');
      goOn();
      await finished;
      assert.deepEqual(upstream.hits, []);
    });

    it('and sends an empty stream again when it must', async () => {
      upstream = await Upstream.start(503, 200);
      const client = keep(new undici.Client(upstream.origin));
      patched.use({ recoveries: [new Retry(1)] });
      const body = new Readable({ read() {} });
      body.push(null);
      const reply = await client.request({ path: '/', method: 'POST', body });
      await reply.body.text();
      assert.equal(reply.statusCode, 200);
    });

    it('sends the bytes it was given again, whatever has become of the buffer', async () => {
      upstream = await Upstream.start(503, 200);
      const client = keep(new undici.Client(upstream.origin));
      const ponder = new Ponder();
      patched.use({ recoveries: [ponder] });
      const body = Buffer.from('as given');
      const reply = client.request({ path: '/', method: 'POST', body });
      const settle = await ponder.next();
      body.fill('x');
      settle(undefined);
      await (await reply).body.text();
      patched.use({ recoveries: [new Retry(1, 1)] });
      const other = Buffer.from('as given');
      upstream.server.once('request', () => setImmediate(() => other.fill('x')));
      await (await client.request({ path: '/', method: 'POST', body: other })).body.text();
      assert.equal(upstream.hits.at(-1)?.body, 'as given');
    });

    it('a dispatcher that is destroyed ends the calls we keep for it', async () => {
      upstream = await Upstream.start(200);
      const client = keep(new undici.Client(upstream.origin));
      const queue = new Queue();
      patched.use({ guards: [queue] });
      const reply = client.request({ path: '/', method: 'GET' });
      reply.catch(() => {});
      await turns(1);
      await client.destroy();
      await assert.rejects(reply, { code: 'UND_ERR_DESTROYED' });
      assert.equal(queue.cancelled, 1);
      assert.equal(patched.listener.ended.length, 1);
    });

    it('a dispatcher closes after a call that we have answered in place of its first attempt', async () => {
      upstream = await Upstream.start();
      const client = keep(new undici.Client(upstream.origin));
      const refusal: Rejection = {
        kind: 'rejection',
        reason: 'bulkhead_full',
        toError: () => new BulkheadFullError('it', 1, 0),
      };
      patched.use({ guards: [{ acquire: () => refusal }], recoveries: [new Degrade({ text: 'instead' })] });
      const reply = await client.request({ path: '/', method: 'GET' });
      assert.equal(await reply.body.text(), 'instead');
      patched.use({ guards: [{ acquire: () => refusal }] });
      await assert.rejects(client.request({ path: '/', method: 'GET' }), BulkheadFullError);
      await client.close();
      assert.deepEqual(upstream.hits, []);
    });

    it('a dispatcher that closes waits for the calls we keep for it', async () => {
      upstream = await Upstream.start(200);
      const client = keep(new undici.Client(upstream.origin));
      const queue = new Queue();
      patched.use({ guards: [queue] });
      const reply = client.request({ path: '/', method: 'GET' }).then(({ body }) => body.text());
      await turns(1);
      let isClosed = false;
      const closed = client.close().then(() => {
        isClosed = true;
      });
      await turns(3);
      assert.equal(isClosed, false);
      queue.admit();
      assert.equal(await reply, 'hit 1');
      await closed;
    });

    if (version !== '5' && version !== '6') {
      it('a request that undici starts over is aborted by the controller it was given last', async () => {
        let connections = 0;
        const closes: number[] = [];
        const arrived = new Map<number, () => void>();
        const server = net.createServer((socket) => {
          const number = ++connections;
          socket.on('error', () => {});
          socket.on('data', () => arrived.get(number)?.());
          socket.on('close', () => closes.push(number));
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        for (const armed of [false, true]) {
          connections = 0;
          closes.length = 0;
          patched.use(armed ? { recoveries: [new Retry(1)] } : {});
          const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
          const client = keep(
            new (undici.Client as new (o: string, p: object) => UndiciDispatcher)(origin, { pipelining: 2 }),
          );
          let last: { abort(): void } | undefined;
          const again = new Promise<void>((resolve) => arrived.set(2, resolve));
          const failed = new Promise<void>((resolve) => {
            const make = (refuses: boolean): object => ({
              onRequestStart(controller: { abort(): void }) {
                if (refuses) controller.abort();
                else last = controller;
              },
              onResponseStart() {},
              onResponseData() {},
              onResponseEnd() {},
              onResponseError: () => (refuses ? undefined : resolve()),
            });
            client.dispatch({ method: 'GET', path: '/1', blocking: false }, make(false));
            client.dispatch({ method: 'GET', path: '/2', blocking: false }, make(true));
          });
          await again;
          last?.abort();
          await failed;
          while (!closes.includes(2)) await turns(1);
        }
        server.close();
      });
    }

    if (version === '8') {
      it('an upgrade over HTTP/2 that is answered 404 is refused', async () => {
        const [key, cert] = ['localhost-key.pem', 'localhost-cert.pem'].map((name) =>
          fs.readFileSync(path.join(TLS, name)),
        );
        const server = http2.createSecureServer({ key, cert, settings: { enableConnectProtocol: true } });
        server.on('stream', (stream) => {
          stream.on('error', () => {});
          stream.respond({ ':status': 404 });
          stream.end('no');
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
        for (const armed of [false, true]) {
          patched.use(armed ? { recoveries: [new Retry(1)] } : {});
          const options = { connect: { rejectUnauthorized: false }, allowH2: true };
          const client = new (
            undici.Client as new (
              o: string,
              p: object,
            ) => UndiciDispatcher & { upgrade(o: object): Promise<unknown> }
          )(origin, options);
          await assert.rejects(client.upgrade({ path: '/', protocol: 'websocket' }), /bad upgrade/);
          await client.destroy();
        }
        server.close();
      });
    }
  });
}

after(() => patched.reset());
