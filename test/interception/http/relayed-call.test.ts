import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import type { Undo } from '../../../src/interception/patch.ts';
import { PRIMARY, retrying, type Script, ScriptedEngine } from './scripted-engine.ts';
import { type Step, Upstream } from './upstream.ts';

const EVENTS = ['socket', 'finish', 'response', 'abort', 'timeout', 'error', 'close'];

interface Seen {
  readonly events: string[];
  readonly status: number | undefined;
  readonly body: string;
  readonly request: http.ClientRequest;
  readonly response: http.IncomingMessage | undefined;
}

const refusal = Object.assign(new Error('refused by policy'), { code: 'E_REFUSED' });
const later = (action: () => void): void => void setTimeout(action, 10);

describe('a call that waits, is repeated, answered or refused', () => {
  const engine = new ScriptedEngine();
  const faults: unknown[] = [];
  let undo: Undo;
  let upstream: Upstream;
  let agent: http.Agent;

  before(async () => {
    upstream = await new Upstream().listen();
    ({ undo } = patchHttp({ engine, bypass: () => false, report: (error) => faults.push(error) }));
  });
  after(async () => {
    undo();
    await upstream.close();
  });
  beforeEach(() => {
    agent = new http.Agent({ keepAlive: true });
  });
  afterEach(() => {
    agent.destroy();
    assert.deepEqual(faults, []);
  });

  function start(script: Script, steps: Step[], options: http.RequestOptions = {}): http.ClientRequest {
    engine.reset(script);
    upstream.reset(...steps);
    return http.request({ host: '127.0.0.1', port: upstream.port, path: '/x', agent, ...options });
  }

  async function watch(request: http.ClientRequest): Promise<Seen> {
    const events: string[] = [];
    let body = '';
    let response: http.IncomingMessage | undefined;
    for (const event of EVENTS) {
      request.on(event, (value: unknown) => {
        const error = value as Error & { code?: string };
        events.push(event === 'error' ? `error ${error.code ?? error.message}` : event);
      });
    }
    request.on('response', (given) => {
      response = given;
      given.setEncoding('utf8');
      given.on('data', (chunk: string) => {
        body += chunk;
      });
      given.on('end', () => events.push('end'));
      given.on('error', (error: Error & { code?: string }) => events.push(`body error ${error.code ?? error.message}`));
    });
    await new Promise((resolve) => request.once('close', () => setImmediate(resolve)));
    return { events, status: response?.statusCode, body, request, response };
  }

  async function play(script: Script, steps: Step[], options: http.RequestOptions = {}, body?: string): Promise<Seen> {
    const request = start(script, steps, options);
    const seen = watch(request);
    request.end(body);
    return await seen;
  }

  describe('repeated', () => {
    it('gives the app the second answer on its own request, with one ordinary course of events', async () => {
      const seen = await play(retrying(3), [503]);
      assert.equal(seen.status, 200);
      assert.equal(JSON.parse(seen.body).hit, 2);
      assert.equal((seen.response as { req?: unknown } | undefined)?.req, seen.request);
      assert.deepEqual(seen.events, ['socket', 'finish', 'socket', 'response', 'end', 'close']);
      assert.deepEqual(engine.last.log, ['begin', 'head 503', 'head 200', 'body end']);
    });

    it('reads a discarded response to its end, so that its connection is used again', async () => {
      await play(retrying(3), [503, 503]);
      assert.equal(upstream.hits, 3);
      assert.equal(upstream.connections, 1);
    });

    it('closes the connection of a discarded response that is too long, or does not end', async () => {
      const long = await play(retrying(2), [{ status: 503, body: Buffer.alloc(200_000, 'x') }]);
      assert.equal(long.status, 200);
      assert.equal(upstream.connections, 2);
      const endless = await play(retrying(2), ['trickle']);
      assert.equal(endless.status, 200);
    });

    it('does not make an attempt whose time is over before the discarded response is out of its way', async () => {
      const timeUp = Object.assign(new Error('too late'), { code: 'E_TIME_UP' });
      const script: Script = {
        buffersOutcome: true,
        maxReplayBytes: 1024,
        head: () => (call) => {
          call.send();
          call.exchange.cancel(call.attempt, timeUp);
        },
      };
      const seen = await play(script, ['trickle', 'hang']);
      assert.equal(upstream.hits, 1);
      assert.deepEqual(seen.events, ['socket', 'finish', 'error E_TIME_UP', 'close']);
      assert.deepEqual(engine.last.log, ['begin', 'head 503', 'error E_TIME_UP']);
    });

    it('gives the app the last real response when attempts have run out', async () => {
      const seen = await play(retrying(3), [503, 502, 500]);
      assert.equal(seen.status, 500);
      assert.equal(JSON.parse(seen.body).hit, 3);
    });

    it('gives the app the last real error when attempts have run out', async () => {
      const seen = await play(retrying(2), ['reset', 'reset'], { agent: new http.Agent() });
      assert.deepEqual(seen.events, ['socket', 'finish', 'socket', 'error ECONNRESET', 'close']);
      assert.ok(seen.request.destroyed);
    });

    it('writes the body again: strings, buffers and their framing', async () => {
      const request = start(retrying(4), [503, 'reset', 502], { method: 'POST' });
      const seen = watch(request);
      request.write('abc');
      request.write(Buffer.from('def'));
      request.end('é');
      assert.equal((await seen).status, 200);
      assert.deepEqual(upstream.bodies, ['abcdefé', 'abcdefé', 'abcdefé']);
    });

    it('keeps its own copy of a buffer the app uses again', async () => {
      const request = start(retrying(2), [503], { method: 'POST', headers: { 'content-length': 3 } });
      const buffer = Buffer.from('abc');
      const seen = watch(request);
      request.end(buffer, () => buffer.fill('z'));
      await seen;
      assert.deepEqual(upstream.bodies, ['abc', 'abc']);
    });

    it('does not repeat a body longer than may be recorded', async () => {
      const seen = await play(retrying(3, { maxReplayBytes: 4 }), [503], { method: 'POST' }, 'too long');
      assert.equal(seen.status, 503);
      assert.equal(upstream.hits, 1);
    });

    it('delivers an answer that comes before the body is complete', async () => {
      const request = start(retrying(3), [{ early: 503 }], { method: 'POST' });
      const seen = watch(request);
      request.write('first part');
      await once(request, 'response');
      request.end();
      assert.equal((await seen).status, 503);
      assert.equal(upstream.hits, 1);
    });

    it('calls the callbacks of writes and of end once', async () => {
      const request = start(retrying(3), ['reset', 503], { method: 'POST' });
      const calls: string[] = [];
      const seen = watch(request);
      request.write('a', () => calls.push('write'));
      request.end('b', () => calls.push('end'));
      assert.equal((await seen).status, 200);
      assert.deepEqual(calls, ['write', 'end']);
    });

    it('works with agent: false, agents without keep-alive, and createConnection', async () => {
      const connect = (): net.Socket => net.connect(upstream.port, '127.0.0.1');
      for (const options of [
        { agent: false },
        { agent: new http.Agent() },
        { agent: undefined, createConnection: connect },
      ]) {
        const seen = await play(retrying(3), [503, 'reset'], options as http.RequestOptions);
        assert.equal(seen.status, 200);
        assert.equal(upstream.hits, 3);
      }
    });

    it('takes a signal of null for none, and refuses what is none as Node does', async () => {
      const seen = await play(retrying(2), [503], { signal: null } as unknown as http.RequestOptions);
      assert.equal(seen.status, 200);
      const refused = { signal: {} } as unknown as http.RequestOptions;
      assert.throws(() => start(retrying(2), [], refused), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.deepEqual(engine.last.log, ['begin', 'abort']);
    });

    it('keeps to the limit of an agent with a queue', async () => {
      const narrow = new http.Agent({ keepAlive: true, maxSockets: 1 });
      engine.reset(retrying(3));
      upstream.reset(503, 503);
      const calls = [1, 2, 3].map(() => {
        const request = http.request({ host: '127.0.0.1', port: upstream.port, agent: narrow });
        const seen = watch(request);
        request.end();
        return seen;
      });
      const statuses = (await Promise.all(calls)).map((seen) => seen.status);
      assert.deepEqual(statuses, [200, 200, 200]);
      assert.equal(upstream.connections, 1);
      narrow.destroy();
    });

    it('takes options as they were when the call was made', async () => {
      const options: http.RequestOptions = { timeout: 5000, headers: { a: 'b' } };
      const request = start(retrying(2), [503], options);
      options.timeout = {} as never;
      const seen = watch(request);
      request.end();
      assert.equal((await seen).status, 200);
      assert.equal(upstream.heads[1]?.headers.a, 'b');
    });

    it('leaves no listener behind on a connection it used twice', async () => {
      await play(retrying(3), [503, 503]);
      const [socket] = Object.values(agent.freeSockets).flat();
      const names = socket?.eventNames() ?? [];
      assert.ok(names.length > 0);
      for (const name of names) assert.ok((socket?.listenerCount(name) ?? 0) < 4, String(name));
    });

    it('keeps the time limit that the app set on the first connection', async () => {
      const request = start(retrying(2), [503, 'hang']);
      const seen = watch(request);
      request.setTimeout(60, () => request.destroy(new Error('too slow')));
      request.end();
      const { events } = await seen;
      assert.deepEqual(events.slice(-3), ['timeout', 'error too slow', 'close']);
      assert.equal(engine.last.log.at(-1), 'abort');
    });

    it('ignores a library that passes the error of the raw connection on to destroy', async () => {
      const request = start(retrying(2), ['reset'], { agent: new http.Agent() });
      request.on('socket', (socket) => socket.on('error', (error) => request.destroy(error)));
      const seen = watch(request);
      request.end();
      assert.equal((await seen).status, 200);
    });

    it('does not take the misuse of a request for a failure', async () => {
      const request = start(retrying(3), [], { method: 'POST' });
      const seen = watch(request);
      request.end('x');
      request.write('y');
      assert.ok((await seen).events.includes('error ERR_STREAM_WRITE_AFTER_END'));
      assert.equal(upstream.hits, 1);
    });

    it('makes every attempt in the context the caller had, and through `around`', async () => {
      const { AsyncLocalStorage } = await import('node:async_hooks');
      const storage = new AsyncLocalStorage<string>();
      const contexts: Array<string | undefined> = [];
      const withAttemptContext = (send: () => void): void => {
        contexts.push(storage.getStore());
        send();
      };
      await storage.run('the caller', () => play(retrying(3, { withAttemptContext }), [503, 'reset']));
      assert.deepEqual(contexts, ['the caller', 'the caller', 'the caller']);
    });
  });

  describe('cancelled', () => {
    const slow = Object.assign(new Error('too slow'), { code: 'E_SLOW' });

    it('ends an attempt with the given error, and the next one can follow', async () => {
      const script = retrying(2);
      const request = start(script, ['hang']);
      const seen = watch(request);
      request.end();
      await once(upstream.server, 'request');
      engine.last.exchange.cancel(engine.last.attempt, slow);
      assert.equal((await seen).status, 200);
      assert.deepEqual(engine.last.log, ['begin', 'error E_SLOW', 'head 200', 'body end']);
    });

    it('shows the app that error if nothing follows', async () => {
      for (const script of [{}, retrying(1)]) {
        const request = start(script, ['hang']);
        const seen = watch(request);
        request.end();
        await once(upstream.server, 'request');
        engine.last.exchange.cancel(engine.last.attempt, slow);
        assert.deepEqual((await seen).events, ['socket', 'finish', 'error E_SLOW', 'close']);
        assert.deepEqual(engine.last.log, ['begin', 'error E_SLOW']);
      }
    });

    it('takes an attempt out of the queue of its agent', async () => {
      const narrow = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (const script of [{}, retrying(1), { first: (call: { send(): void }) => call.send() }] as Script[]) {
        const blocking = start({}, ['hang'], { agent: narrow });
        blocking.on('error', () => {});
        blocking.end();
        await once(upstream.server, 'request');
        engine.reset(script);
        const request = http.request({ host: '127.0.0.1', port: upstream.port, agent: narrow });
        const seen = watch(request);
        request.end();
        await new Promise(setImmediate);
        engine.last.exchange.cancel(engine.last.attempt, slow);
        assert.deepEqual((await seen).events, ['error E_SLOW', 'close']);
        assert.deepEqual(Object.keys(narrow.requests), []);
        blocking.destroy();
        await new Promise((resolve) => blocking.once('close', resolve));
      }
    });
  });

  describe('delayed', () => {
    it('sends the request when told to, with what the app wrote meanwhile', async () => {
      const script: Script = { first: (call) => later(() => call.send()) };
      const request = start(script, [], { method: 'POST' });
      const seen = watch(request);
      request.setHeader('x-late', 'yes');
      request.write('abc');
      request.end('def');
      assert.deepEqual((await seen).events, ['socket', 'finish', 'response', 'end', 'close']);
      assert.deepEqual(upstream.bodies, ['abcdef']);
      assert.equal(upstream.heads[0]?.headers['x-late'], 'yes');
    });

    it('says that all of a request is at hand while there is none yet, but for what becomes a connection', () => {
      const answers: boolean[] = [];
      const judging: Script = {
        buffersOutcome: true,
        judging: (call) => answers.push(call.exchange.replayable()),
        first: (call) => call.exchange.fail(refusal),
      };
      for (const options of [{ method: 'POST' }, { headers: { upgrade: 'websocket' } }, { method: 'CONNECT' }]) {
        start(judging, [], options).on('error', () => {});
      }
      assert.deepEqual(answers, [true, false, false]);
    });

    it('sends what is written only after the connection is there', async () => {
      const request = start({ first: (call) => call.send() }, [], { method: 'POST' });
      const seen = watch(request);
      request.on('socket', () =>
        setImmediate(() => {
          request.setHeader('x-late', 'yes');
          request.end('abc');
        }),
      );
      assert.equal((await seen).status, 200);
      assert.deepEqual(upstream.bodies, ['abc']);
      assert.equal(upstream.heads[0]?.headers['x-late'], 'yes');
    });

    it('pulls no more of an upload than Node buffers itself', async () => {
      const { Readable } = await import('node:stream');
      let pulled = 0;
      const source = Readable.from(
        (function* () {
          for (let i = 0; i < 16; i++) {
            pulled++;
            yield Buffer.alloc(65_536);
          }
        })(),
      );
      const waiting = { go: (): void => {} };
      const request = start({ first: (call) => void Object.assign(waiting, { go: () => call.send() }) }, [], {
        method: 'POST',
      });
      const seen = watch(request);
      source.pipe(request);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(pulled < 6, `${pulled}`);
      waiting.go();
      assert.equal(JSON.parse((await seen).body).length, 16 * 65_536);
    });

    it('ends at once when the caller gives up, without a connection', async () => {
      const request = start({ first: () => {} }, []);
      const seen = watch(request);
      request.end();
      request.destroy(new Error('mine'));
      assert.deepEqual((await seen).events, ['error mine', 'close']);
      assert.deepEqual(engine.last.log, ['begin', 'abort']);
      assert.equal(upstream.connections, 0);
    });

    it('listens to the signal while it waits, and to one aborted beforehand', async () => {
      const controller = new AbortController();
      const request = start({ first: () => {} }, [], { signal: controller.signal });
      const seen = watch(request);
      controller.abort();
      assert.deepEqual((await seen).events, ['error ABORT_ERR', 'close']);
      assert.deepEqual(engine.last.log, ['begin', 'abort']);
      const dead = start({ first: () => {} }, [], { signal: AbortSignal.abort() });
      assert.deepEqual((await watch(dead)).events, ['error ABORT_ERR', 'close']);
      assert.deepEqual(engine.last.log, ['begin', 'abort']);
    });
  });

  describe('left by its caller between attempts', () => {
    const pausing: Script = { buffersOutcome: true, maxReplayBytes: 9, head: () => () => {}, error: () => () => {} };

    for (const [name, step] of [
      ['a response', 503],
      ['an error', 'reset'],
    ] as const) {
      it(`ends with the caller's error while ${name} is held`, async () => {
        const request = start(pausing, [step]);
        const seen = watch(request);
        request.end();
        const held = new EventEmitter();
        const { exchange, log } = engine.last;
        void exchange;
        const timer = setInterval(() => log.length > 1 && held.emit('held'), 2);
        await once(held, 'held');
        clearInterval(timer);
        request.destroy(new Error('mine'));
        assert.ok(request.destroyed);
        assert.deepEqual((await seen).events.slice(-2), ['error mine', 'close']);
        assert.equal(engine.last.log.at(-1), 'abort');
      });
    }

    it('emits abort and close when it is aborted, as a request does that waits for a socket', async () => {
      const request = start(pausing, [503]);
      const seen = watch(request);
      request.end();
      await once(upstream.server, 'request');
      setTimeout(() => request.abort(), 15);
      const { events } = await seen;
      assert.deepEqual(events.slice(-2), ['abort', 'close']);
    });

    it('listens to the signal during the second attempt', async () => {
      const controller = new AbortController();
      const request = start(retrying(2), [503, 'hang'], { signal: controller.signal });
      const seen = watch(request);
      request.end();
      await once(upstream.server, 'request');
      await once(upstream.server, 'request');
      controller.abort();
      assert.deepEqual((await seen).events.slice(-2), ['error ABORT_ERR', 'close']);
      assert.equal(engine.last.log.at(-1), 'abort');
    });
  });

  describe('refused', () => {
    const refusing: Script = { first: (call) => call.exchange.fail(refusal) };

    it('emits error and close on a later turn, and opens no connection', async () => {
      const request = start(refusing, []);
      assert.equal(request.destroyed, false);
      assert.ok(request instanceof http.ClientRequest);
      const seen = watch(request);
      request.end();
      assert.deepEqual((await seen).events, ['error E_REFUSED', 'close']);
      assert.equal(upstream.connections, 0);
    });

    it('does so while a body is still being written', async () => {
      const request = start(refusing, [], { method: 'POST' });
      const seen = watch(request);
      request.write('a');
      later(() => request.end('b'));
      assert.deepEqual((await seen).events, ['error E_REFUSED', 'close']);
    });

    it('is an uncaught error if nobody listens, as with Node', async () => {
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      const uncaught = once(process, 'uncaughtException');
      start(refusing, []).end();
      const [error] = await uncaught;
      for (const listener of listeners) process.on('uncaughtException', listener);
      assert.equal(error, refusal);
    });

    it('can follow an attempt', async () => {
      const seen = await play({ buffersOutcome: true, error: () => (call) => call.exchange.fail(refusal) }, ['reset'], {
        agent: new http.Agent(),
      });
      assert.deepEqual(seen.events, ['socket', 'finish', 'error E_REFUSED', 'close']);
    });
  });

  describe('answered by a substitute', () => {
    const answer = {
      status: 200,
      headers: [
        ['content-type', 'text/plain'],
        ['x-a', '1'],
        ['x-a', '2'],
        ['connection', 'close'],
      ] as const,
      body: Buffer.from('stand-in'),
    };
    const answering: Script = { buffersOutcome: true, first: (call) => call.exchange.respond(answer) };

    it('is a genuine response that came over no connection', async () => {
      const seen = await play(answering, []);
      assert.deepEqual(seen.events, ['socket', 'finish', 'response', 'end', 'close']);
      assert.equal(seen.body, 'stand-in');
      assert.ok(seen.response instanceof http.IncomingMessage);
      assert.equal(seen.response.headers['x-a'], '1, 2');
      assert.equal(seen.response.headers['content-length'], '8');
      assert.equal(seen.response.headers.connection, undefined);
      assert.equal(upstream.connections, 0);
    });

    it('waits for an upload, and swallows it', async () => {
      const request = start(answering, [], { method: 'POST' });
      const seen = watch(request);
      request.write('a');
      later(() => request.end('b'));
      assert.equal((await seen).body, 'stand-in');
    });

    it('answers at once who waits for a 100', async () => {
      const request = start(answering, [], {
        method: 'POST',
        headers: { expect: '100-continue', 'content-length': 3 },
      });
      const seen = watch(request);
      request.flushHeaders();
      await once(request, 'response');
      request.end('abc');
      assert.equal((await seen).body, 'stand-in');
    });

    it('has no body for HEAD, 204 and 304', async () => {
      const head = await play(answering, [], { method: 'HEAD' });
      assert.equal(head.body, '');
      assert.equal(head.status, 200);
      for (const status of [204, 304]) {
        const seen = await play(
          { buffersOutcome: true, first: (call) => call.exchange.respond({ ...answer, status }) },
          [],
        );
        assert.equal(seen.status, status);
        assert.equal(seen.body, '');
      }
    });

    it('takes the place of a failure', async () => {
      for (const step of ['reset', 503] as const) {
        const script: Script = {
          buffersOutcome: true,
          head: () => (call) => call.exchange.respond(answer),
          error: () => (call) => call.exchange.respond(answer),
        };
        const seen = await play(script, [step]);
        assert.deepEqual(seen.events, ['socket', 'finish', 'socket', 'response', 'end', 'close']);
        assert.equal(seen.body, 'stand-in');
      }
    });
  });

  describe('held', () => {
    const holding = (release: (call: { exchange: { release(): void } }) => void): Script => ({
      buffersOutcome: true,
      maxReplayBytes: 100,
      head: () => release,
      error: () => release,
    });

    it('loses nothing of a response released later', async () => {
      const body = 'y'.repeat(200_000);
      const seen = await play(
        holding((call) => later(() => call.exchange.release())),
        [{ status: 200, body }],
      );
      assert.deepEqual(seen.events, ['socket', 'finish', 'response', 'end', 'close']);
      assert.equal(seen.body, body);
      assert.deepEqual(engine.last.log, ['begin', 'head 200', 'body end']);
    });

    it('shows the death of a response that died while it was held', async () => {
      const script = holding((call) => void setTimeout(() => call.exchange.release(), 40));
      const seen = await play(script, ['truncate'], { agent: new http.Agent() });
      assert.equal(seen.status, 200);
      assert.ok(seen.events.includes('body error ECONNRESET'), seen.events.join());
      assert.ok(seen.events.includes('close'));
      assert.deepEqual(engine.last.log, ['begin', 'head 200', 'body error ECONNRESET']);
    });

    it('dumps a released response nobody listens for', async () => {
      const request = start(
        holding((call) => later(() => call.exchange.release())),
        [],
      );
      request.end();
      await once(request, 'close');
      assert.deepEqual(engine.last.log, ['begin', 'head 200', 'body end']);
    });

    it('shows an error released later, then close', async () => {
      const seen = await play(
        holding((call) => later(() => call.exchange.release())),
        ['reset'],
        { agent: new http.Agent() },
      );
      assert.deepEqual(seen.events, ['socket', 'finish', 'error ECONNRESET', 'close']);
    });
  });

  describe('delivered', () => {
    it('shows addedResponseHeaders wherever headers are looked for', async () => {
      for (const buffersOutcome of [false, true]) {
        const seen = await play({ buffersOutcome, addedResponseHeaders: [['resilience-source', 'endpoint']] }, []);
        const { response } = seen;
        assert.equal(response?.headers['resilience-source'], 'endpoint');
        assert.deepEqual(response?.headersDistinct['resilience-source'], ['endpoint']);
        assert.deepEqual(response?.rawHeaders.slice(-2), ['resilience-source', 'endpoint']);
        assert.equal(response?.headers['x-hit'], '1');
      }
    });

    it('shows every chunk to the bodyObserver, those of a held response included', async () => {
      for (const wait of [false, true]) {
        const chunks: Buffer[] = [];
        const bodyObserver = { chunk: (data: Uint8Array) => void chunks.push(Buffer.from(data)), end: () => {} };
        const body = 'z'.repeat(100_000);
        const script: Script = wait
          ? { buffersOutcome: true, bodyObserver, head: () => (call) => later(() => call.exchange.release()) }
          : { bodyObserver };
        const seen = await play(script, [{ status: 200, body }]);
        assert.equal(seen.body, body);
        assert.equal(Buffer.concat(chunks).toString(), body);
      }
    });

    it('can be killed: the body ends like that of a dying upstream, with the given error', async () => {
      for (const buffersOutcome of [false, true]) {
        const request = start({ buffersOutcome }, ['truncate'], { agent: new http.Agent() });
        const idle = Object.assign(new Error('idle'), { code: 'E_IDLE' });
        request.on('response', () => engine.last.exchange.killBody(idle));
        const seen = watch(request);
        request.end();
        const { events } = await seen;
        assert.ok(events.includes('body error E_IDLE'), events.join());
        assert.ok(!events.some((event) => event.startsWith('error')), events.join());
        assert.deepEqual(engine.last.log, ['begin', 'head 200', 'body error E_IDLE']);
      }
    });
  });

  it('reports upgrades and CONNECT as such, and offers neither for repetition', async () => {
    for (const options of [
      { headers: { connection: 'Upgrade', upgrade: 'foo' } },
      { method: 'CONNECT', path: 'a:1' },
    ]) {
      const request = start(retrying(3), [], { agent: new http.Agent(), ...options });
      assert.equal(engine.last.exchange.replayable(), false);
      request.on('upgrade', (_response, socket) => socket.on('error', () => {}).destroy());
      request.on('connect', (_response, socket) => socket.on('error', () => {}).destroy());
      request.end();
      await once(request, 'close');
      assert.ok(engine.last.log[1]?.startsWith('upgrade'), engine.last.log.join());
      assert.equal(engine.last.log.length, 2);
    }
  });

  it('says which headers were sent', async () => {
    const request = start(retrying(2), [503], { headers: { 'X-Id': '7' } });
    const seen = watch(request);
    request.end();
    await seen;
    assert.equal(engine.last.exchange.sentHeader('x-id'), '7');
    assert.equal(engine.last.exchange.header('x-id'), '7');
    assert.equal(engine.last.exchange.header('x-none'), undefined);
    assert.equal(PRIMARY.target, undefined);
  });
});
