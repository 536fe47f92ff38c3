import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import type { Undo } from '../../../src/interception/patch.ts';
import { PRIMARY, retrying, type Script, ScriptedEngine } from './scripted-engine.ts';
import { Upstream } from './upstream.ts';

type Request = typeof http.request;
type Emit = http.ClientRequest['emit'];
type Messages = Array<readonly [name: string, request: http.ClientRequest]>;

/** What a tracer has heard on each request that was made below it. */
interface Heard {
  readonly events: string[];
  readonly traceparent: string;
}

/** Whether the `emit` that a tracer puts on a request goes on for whatever object it is called on, or for that request. */
type Binding = 'free' | 'bound';

const plain = http.request;
const WATCHED = /^(?:response|error|close)$/;

/** As tracers do: a wrapper of `request` that gives each request an `emit` of its own, and trace headers. */
function tracer(original: Request, heard: Heard[], binding: Binding): Request {
  return function request(this: unknown, ...args: unknown[]) {
    const [options, callback] = args as [http.RequestOptions, unknown];
    const traceparent = `trace-${heard.length}`;
    const headers = { ...(options.headers as object), traceparent };
    const made = Reflect.apply(original, this, [{ ...options, headers }, callback]) as http.ClientRequest;
    const { emit } = made;
    const events: string[] = [];
    heard.push({ events, traceparent });
    made.emit = function (this: http.ClientRequest, type: string, ...rest: unknown[]) {
      if (WATCHED.test(type)) events.push(type === 'response' ? `response ${(rest[0] as Answer).statusCode}` : type);
      return Reflect.apply(emit, binding === 'free' ? this : made, [type, ...rest]);
    } as Emit;
    return made;
  } as Request;
}

type Answer = http.IncomingMessage;

/** How tools mark what they put over `http.request`, each in its own way. */
const MARKS: Record<string, (wrapper: Request, original: Request) => void> = {
  'as shimmer does': (wrapper, original) =>
    Object.defineProperties(wrapper, { __original: { value: original }, __wrapped: { value: true } }),
  'as New Relic does': (wrapper, original) => Object.assign(wrapper, { [Symbol('original')]: original }),
  'as dd-trace does': (wrapper, original) =>
    Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original)),
  'as Elastic APM does': (wrapper) => Object.assign(wrapper, { [Symbol('elasticAPMIsWrapped')]: true }),
  'as Sentry 8 does': (wrapper) => Object.defineProperty(wrapper, 'name', { value: 'outgoingRequest' }),
};

/** As msw and nock 14 do. */
const proxied = (behind: Request): Request => new Proxy(behind, {});

/** As vitest does. */
function spied(original: Request): Request {
  const spy = (...args: unknown[]): unknown => Reflect.apply(original, http, args);
  return Object.defineProperties(spy, {
    ...Object.getOwnPropertyDescriptors(original),
    mock: { value: {} },
  }) as Request;
}

describe('tracers of other makers, beside calls of more than one attempt', () => {
  const engine = new ScriptedEngine();
  const faults: unknown[] = [];
  let upstream: Upstream;
  let undo: Undo = () => {};
  let reassert: () => void = () => {};
  let ends: Array<() => void>;

  before(async () => {
    upstream = await new Upstream().listen();
  });
  after(() => upstream.close());
  beforeEach(() => {
    ends = [];
    faults.length = 0;
  });
  afterEach(() => {
    for (const end of ends) end();
    undo();
    http.request = plain;
    assert.deepEqual(faults, []);
  });

  const install = (): void => {
    const options = { engine, bypass: () => false, report: (error: unknown) => faults.push(error) };
    ({ undo, finalize: reassert } = patchHttp(options));
  };

  /** Statuses and errors of a call, as the app sees them. */
  async function call(script: Script, steps: typeof upstream.steps, options: http.RequestOptions = {}) {
    engine.reset(script);
    upstream.reset(...steps);
    const request = http.request({ host: '127.0.0.1', port: upstream.port, agent: false, ...options });
    const outcome = new Promise<string>((resolve) => {
      request.on('response', (response) => {
        response.resume();
        resolve(String(response.statusCode));
      });
      request.on('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message));
    });
    request.end();
    await once(request, 'close').catch(() => {});
    return await outcome;
  }

  /** What each was told of, once it knows that all is over: a connection may end after the call. */
  async function eventsOf(heard: readonly Heard[]): Promise<string[][]> {
    while (!heard.every(({ events }) => events.includes('close'))) await new Promise(setImmediate);
    return heard.map(({ events }) => events);
  }

  const sent = (): unknown[] => upstream.heads.map(({ headers }) => headers.traceparent);

  for (const binding of ['free', 'bound'] as const) {
    it(`each attempt is told of by its own request's emit, and by no other (${binding})`, async () => {
      const heard: Heard[] = [];
      http.request = tracer(plain, heard, binding);
      install();
      assert.equal(await call(retrying(3), [503, 'reset']), '200');
      assert.deepEqual(await eventsOf(heard), [
        ['response 503', 'close'],
        ['error', 'close'],
        ['response 200', 'close'],
      ]);
      assert.deepEqual(
        sent(),
        heard.map(({ traceparent }) => traceparent),
      );
    });

    it(`an attempt that another has overtaken is heard out all the same (${binding})`, async () => {
      const heard: Heard[] = [];
      http.request = tracer(plain, heard, binding);
      install();
      engine.reset(retrying(1));
      const slow = http.createServer();
      const answers: http.ServerResponse[] = [];
      slow.on('request', (_request, response) => {
        if (answers.push(response) === 1) engine.last.exchange.hedge({ number: 2, endpoint: PRIMARY });
        else answers[0]?.end('late');
      });
      await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
      ends.push(() => slow.close().closeAllConnections());
      const { port } = slow.address() as AddressInfo;
      const request = http.get({ host: '127.0.0.1', port, agent: false });
      const [response] = (await once(request, 'response')) as [Answer];
      response.resume();
      await once(request, 'close');
      const events = await eventsOf(heard);
      assert.deepEqual(events[0], ['response 200', 'close']);
      assert.ok(!events[1]?.includes('response 200'));
    });

    it(`an error that the app gets after all is told of once (${binding})`, async () => {
      const heard: Heard[] = [];
      http.request = tracer(plain, heard, binding);
      install();
      const script = retrying(2, { error: () => (one) => one.exchange.release() });
      assert.equal(await call(script, ['reset']), 'ECONNRESET');
      assert.deepEqual(await eventsOf(heard), [['error', 'close']]);
    });

    it(`an answer in its place is nothing that the attempt has got (${binding})`, async () => {
      const heard: Heard[] = [];
      http.request = tracer(plain, heard, binding);
      install();
      const answer = { status: 203, headers: [], body: Buffer.from('instead') };
      const script = retrying(2, { error: () => (one) => one.exchange.respond(answer as never) });
      assert.equal(await call(script, ['reset']), '203');
      assert.deepEqual(await eventsOf(heard), [['error', 'close']]);
    });
  }

  it('the app finds its own context in what comes of further attempts, and in an answer in their place', async () => {
    const storage = new AsyncLocalStorage<string>();
    http.request = ((...args: unknown[]) => storage.run('tracer', () => Reflect.apply(plain, http, args))) as Request;
    install();
    const answer = { status: 203, headers: [], body: Buffer.from('instead') };
    const substituting = retrying(2, { error: () => (one) => one.exchange.respond(answer as never) });
    for (const script of [retrying(2), substituting]) {
      const seen = new Promise((resolve) => {
        storage.run('app', () => {
          engine.reset(script);
          upstream.reset('reset');
          const request = http.get({ host: '127.0.0.1', port: upstream.port, agent: false });
          request.on('response', (response) => {
            response.resume();
            resolve(storage.getStore());
          });
        });
      });
      assert.equal(await seen, 'app');
    }
  });

  for (const [how, mark] of Object.entries(MARKS)) {
    it(`a wrapper that is put over ours and marked ${how} sees further attempts as well`, async () => {
      install();
      const heard: Heard[] = [];
      const original = http.request;
      const wrapper = tracer(original, heard, 'free');
      mark(wrapper, original);
      http.request = wrapper;
      reassert();
      assert.notEqual(http.request, wrapper);
      assert.equal(await call(retrying(2), [503]), '200');
      assert.deepEqual(await eventsOf(heard), [
        ['response 503', 'close'],
        ['response 200', 'close'],
      ]);
    });
  }

  it('who sends its own exports by the function it found, as Elastic APM does, has no spans of them', async () => {
    install();
    const heard: Heard[] = [];
    const found = http.request;
    const wrapper = tracer(found, heard, 'free');
    MARKS['as Elastic APM does']?.(wrapper, found);
    http.request = wrapper;
    reassert();
    engine.reset();
    upstream.reset();
    const [response] = (await once(found({ host: '127.0.0.1', port: upstream.port }).end(), 'response')) as [Answer];
    response.resume();
    await once(response, 'end');
    assert.deepEqual(heard, []);
    // Put back by somebody who had it: not below us twice.
    http.request = wrapper;
    reassert();
    assert.equal(await call(retrying(2), [503]), '200');
    assert.equal(heard.length, 2);
    undo();
    assert.equal(http.request, plain);
  });

  it('a function put over ours that is marked by nothing, or is a proxy or a spy, stays where it is', async () => {
    install();
    const ours = http.request;
    const traced = tracer(ours, [], 'free');
    MARKS['as shimmer does']?.(traced, ours);
    const mocks = [
      ((...args: unknown[]) => Reflect.apply(ours, http, args)) as Request,
      ...[ours, traced].map(proxied),
      spied(ours),
    ];
    for (const mock of mocks) {
      http.request = mock;
      assert.equal(await call(retrying(2), [503]), '200');
      assert.equal(http.request, mock);
    }
    http.request = ours;
  });

  describe('that take the rendering of a head for the beginning', () => {
    const STORE = '_storeHeader';
    const requests = http.ClientRequest.prototype as unknown as Record<typeof STORE, (...args: unknown[]) => unknown>;

    const watch = (): Heard[] => {
      const heard: Heard[] = [];
      const store = requests[STORE];
      Object.defineProperty(requests, STORE, {
        configurable: true,
        writable: true,
        value(this: http.ClientRequest, ...args: unknown[]) {
          const events: string[] = [];
          const traceparent = `trace-${heard.length}`;
          heard.push({ events, traceparent });
          // As Sentry does: what is there already stays.
          if (!this.hasHeader('traceparent')) this.setHeader('traceparent', traceparent);
          this.prependListener('response', ({ statusCode }: Answer) => events.push(`response ${statusCode}`));
          this.on('close', () => events.push('close'));
          return Reflect.apply(store, this, args);
        },
      });
      ends.push(() => {
        Reflect.deleteProperty(requests, STORE);
      });
      return heard;
    };

    it('see each attempt once, and each has ids of its own', async () => {
      install();
      const heard = watch();
      assert.equal(await call(retrying(3), [503, 503]), '200');
      assert.deepEqual(await eventsOf(heard), [
        ['response 503', 'close'],
        ['response 503', 'close'],
        ['response 200', 'close'],
      ]);
      assert.deepEqual(
        sent(),
        heard.map(({ traceparent }) => traceparent),
      );
    });

    it('leave alone an id that the app has set itself', async () => {
      install();
      watch();
      await call(retrying(2), [503], { headers: { traceparent: 'mine' } });
      assert.deepEqual(sent(), ['mine', 'mine']);
    });

    it('see nothing of a call before it is sent, nor of one that is never sent', async () => {
      install();
      const heard = watch();
      assert.equal(await call(retrying(1, { first: (one) => setTimeout(() => one.send(), 5) }), []), '200');
      assert.equal(heard.length, 1);
      const refusal = Object.assign(new Error('no'), { code: 'E_REFUSED' });
      assert.equal(await call(retrying(1, { first: (one) => one.exchange.fail(refusal) }), []), 'E_REFUSED');
      assert.equal(heard.length, 1);
    });
  });

  describe("that listen to Node's diagnostics channels", () => {
    const CREATED = 'http.client.request.created';
    const NAMES = [CREATED, 'http.client.request.start', 'http.client.request.error', 'http.client.response.finish'];

    const listen = (): Messages => {
      const messages: Messages = [];
      for (const name of NAMES) {
        const hear = (message: unknown): void => {
          messages.push([name, (message as { request: http.ClientRequest }).request]);
        };
        diagnostics.subscribe(name, hear);
        ends.push(() => diagnostics.unsubscribe(name, hear));
      }
      return messages;
    };
    /** Short names of what was said, by request. Node 20 says nothing of requests when they are made. */
    const byRequest = (messages: Messages): string[][] =>
      [...new Set(messages.map(([, request]) => request))].map((request) =>
        messages
          .filter(([name, one]) => one === request && name !== CREATED)
          .map(([name]) => name.replace('http.client.', '')),
      );
    const created = (messages: Messages): number => messages.filter(([name]) => name === CREATED).length;

    it('hear of each attempt once, by the request that was made for it', async () => {
      install();
      const messages = listen();
      assert.equal(await call(retrying(3), [503, 'reset']), '200');
      assert.deepEqual(byRequest(messages), [
        ['request.start', 'response.finish'],
        ['request.start', 'request.error'],
        ['request.start', 'response.finish'],
      ]);
      assert.ok([0, 3].includes(created(messages)));
    });

    it('hear of a call that waits when it is sent, and of one that is not sent nothing', async () => {
      install();
      const messages = listen();
      assert.equal(await call(retrying(1, { first: (one) => setTimeout(() => one.send(), 5) }), []), '200');
      assert.deepEqual(byRequest(messages), [['request.start', 'response.finish']]);
      assert.ok([0, 1].includes(created(messages)));
      messages.length = 0;
      const answer = { status: 203, headers: [], body: Buffer.from('instead') };
      assert.equal(await call(retrying(1, { first: (one) => one.exchange.respond(answer as never) }), []), '203');
      assert.deepEqual(messages, []);
    });

    it('hear what Node says of calls that are none of ours, and again when we are gone', async () => {
      install();
      const messages = listen();
      assert.equal(await call({}, []), '200');
      assert.deepEqual(byRequest(messages), [['request.start', 'response.finish']]);
      undo();
      messages.length = 0;
      for (const name of NAMES) assert.equal(Object.hasOwn(diagnostics.channel(name), 'publish'), false);
      assert.equal(await call({}, []), '200');
      assert.deepEqual(byRequest(messages), [['request.start', 'response.finish']]);
    });
  });
});
