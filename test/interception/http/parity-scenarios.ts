import { EventEmitter } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { finished, pipeline, Readable } from 'node:stream';
import type { CallEngine } from '../../../src/engine/exchange.ts';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import { REAL_ENGINES } from './full-policy.ts';
import { retrying, type Script, ScriptedEngine } from './scripted-engine.ts';
import { type Step, Upstream } from './upstream.ts';

/*
 * Runs every scenario and prints, as JSON, what could be seen of it: each event of request and response in order, with
 * the state at that moment. The first argument says how: bare, or under a policy.
 */

const SCRIPTS: Record<string, Script | undefined> = {
  bare: undefined,
  // Untouched by any policy, but through the wrapper.
  unrouted: undefined,
  // A policy that lets every call go.
  passed: {},
  // Retries are possible, and what is held back for one is released after all.
  armed: retrying(1, {
    head: (_call, { status }) => (status >= 500 ? (call) => call.exchange.release() : undefined),
    error: () => (call) => call.exchange.release(),
  }),
  // Every outcome is held first, and released.
  held: retrying(1, {
    head: () => (call) => call.exchange.release(),
    error: () => (call) => call.exchange.release(),
  }),
};

const mode = process.argv[2] ?? 'bare';
const faults: string[] = [];
if (mode !== 'bare') {
  const scripted = new ScriptedEngine();
  scripted.script = SCRIPTS[mode];
  const engine = REAL_ENGINES[mode]?.() ?? scripted;
  patchHttp({
    engine: engine as CallEngine,
    bypass: () => false,
    report: (error) => faults.push(String((error as Error).stack)),
  });
}

const REQUEST_EVENTS = [
  'socket',
  'finish',
  'response',
  'information',
  'continue',
  'upgrade',
  'connect',
  'timeout',
  'abort',
  'error',
  'close',
  'drain',
];
const RESPONSE_EVENTS = ['data', 'end', 'close', 'error', 'aborted'];

type Log = string[];
interface Tracked {
  readonly request: http.ClientRequest;
  readonly closed: Promise<void>;
}

const stateOf = (request: http.ClientRequest): string =>
  ['destroyed', 'closed', 'writableEnded', 'aborted', 'headersSent', 'reusedSocket']
    .map((key) => `${key}=${(request as unknown as Record<string, unknown>)[key]}`)
    .join(' ');

const errorName = (error: Error & { code?: string }): string =>
  `${error.name} ${error.code} ${error.message.replace(/\d+/g, 'N')}`;

function track(request: http.ClientRequest, log: Log, read = true): Tracked {
  for (const event of REQUEST_EVENTS) {
    request.on(event, (value: unknown) => {
      log.push(value instanceof Error ? `${event}: ${errorName(value)}` : event);
      log.push(`  ${stateOf(request)} ${event === 'finish' ? request.writableFinished : ''}`);
      if (event === 'response') trackResponse(request, value as http.IncomingMessage, log, read);
    });
  }
  log.push(
    `own keys ${Reflect.ownKeys(request).length} listeners ${request.eventNames().map((e) => `${String(e)}:${request.listenerCount(e)}`)}`,
  );
  return { request, closed: new Promise((resolve) => request.once('close', () => setTimeout(resolve, 10))) };
}

function trackResponse(request: http.ClientRequest, response: http.IncomingMessage, log: Log, read: boolean): void {
  log.push(
    `  status ${response.statusCode} req ${(response as { req?: unknown }).req === request} socket ${response.socket === request.socket}`,
    `  listeners ${response.eventNames().map((e) => `${String(e)}:${response.listenerCount(e)}`)} own ${Reflect.ownKeys(response).length}`,
  );
  for (const event of RESPONSE_EVENTS) {
    if (event === 'data' && !read) continue;
    response.on(event, (value: unknown) => {
      const text = value instanceof Error ? `: ${errorName(value)}` : Buffer.isBuffer(value) ? `: ${value.length}` : '';
      log.push(`res ${event}${text} complete=${response.complete}`);
    });
  }
}

const keepAlive = new http.Agent({ keepAlive: true });
const single = new http.Agent({ keepAlive: true, maxSockets: 1 });
const plain = new http.Agent({ keepAlive: false });

class ConnectingAgent extends http.Agent {}
const custom = new ConnectingAgent({ keepAlive: true });
(custom as unknown as { createConnection: unknown }).createConnection = (
  options: net.NetConnectOpts,
  callback: (error: Error | null, socket: net.Socket) => void,
) => {
  setTimeout(() => callback(null, net.connect(options)), 5);
};

const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function main(): Promise<void> {
  const upstream = await new Upstream().listen();
  const socketPath = path.join(os.tmpdir(), `parity-${process.pid}.sock`);
  const unix = http.createServer((_request, response) => response.end('unix'));
  await new Promise<void>((resolve) => unix.listen(socketPath, resolve));
  const { port } = upstream;
  const at = (options: http.RequestOptions = {}): http.RequestOptions => ({
    host: '127.0.0.1',
    port,
    path: '/x',
    agent: keepAlive,
    ...options,
  });
  const post = (options: http.RequestOptions = {}): http.RequestOptions => at({ method: 'POST', ...options });
  const results: Record<string, string[]> = {};
  const facing = (step: Step, make: () => http.ClientRequest): http.ClientRequest => {
    upstream.reset(step);
    return make();
  };

  const scenario = async (name: string, run: (log: Log) => Promise<unknown> | undefined): Promise<void> => {
    const log: Log = [];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => resolve(void log.push('TIMED OUT')), 3000);
    });
    try {
      await Promise.race([run(log), late]);
    } catch (error) {
      log.push(`thrown ${errorName(error as Error)}`);
    }
    clearTimeout(timer);
    log.push(`hits ${upstream.hits} bodies ${upstream.bodies.join('|')}`);
    results[name] = log;
    upstream.reset();
  };
  const simple = (
    name: string,
    make: () => http.ClientRequest,
    after?: (request: http.ClientRequest, log: Log) => unknown,
  ): Promise<void> =>
    scenario(name, async (log) => {
      const { request, closed } = track(make(), log);
      if (after === undefined) request.end();
      else after(request, log);
      await closed;
      log.push(stateOf(request));
    });

  await simple('a GET on a new connection', () => http.request(at()));
  await simple('a GET on a kept connection', () => http.request(at()));
  await simple(
    'http.get',
    () => http.get(at()),
    () => {},
  );
  await simple('a URL string', () => http.request(`http://127.0.0.1:${port}/x?a=b#c`));
  await simple('a URL object and options', () =>
    http.request(new URL(`http://127.0.0.1:${port}/x`), { agent: keepAlive, headers: { a: 'b' } }),
  );
  await scenario('a URL, options and a callback', async (log) => {
    await new Promise<void>((resolve) => {
      const request = http.request(`http://127.0.0.1:${port}/`, { method: 'PUT' }, (response) => {
        log.push(`callback ${response.statusCode}`);
        response.resume().on('end', resolve);
      });
      log.push(`listeners ${request.listenerCount('response')}`);
      request.end('x');
    });
  });
  await simple(
    'an agent that keeps no connection',
    () => http.get(at({ agent: plain })),
    () => {},
  );
  await simple(
    'agent: false',
    () => http.get(at({ agent: false })),
    (request, log) => log.push(String(request.getHeader('connection'))),
  );
  await simple('an agent that connects asynchronously', () => http.request(at({ agent: custom })));
  await simple(
    'a chunked POST',
    () => http.request(post()),
    (request) => {
      request.write('abc');
      request.write(Buffer.from('def'));
      request.end('g');
    },
  );
  await simple(
    'a POST written before and after the socket',
    () => http.request(post({ headers: { 'content-length': 6 } })),
    (request) => {
      request.write('abc');
      setTimeout(() => request.end('def'), 30);
    },
  );
  await simple(
    'write callbacks',
    () => http.request(post()),
    (request, log) => {
      request.write('a', () => log.push('written a'));
      request.write('b', 'latin1', () => log.push('written b'));
      request.end('c', () => log.push('ended'));
    },
  );
  await simple(
    'flushHeaders',
    () => http.request(post()),
    (request, log) => {
      request.flushHeaders();
      log.push(`sent ${request.headersSent}`);
      setTimeout(() => request.end('x'), 30);
    },
  );
  await simple(
    'headers as an array',
    () => http.request(at({ headers: ['A', 'b', 'Host', 'h', 'A', 'c'] as never })),
    (request, log) => {
      log.push(JSON.stringify(request.getHeaders()));
      request.end();
    },
  );
  await simple(
    'Expect: 100-continue',
    () => http.request(post({ headers: { expect: '100-continue', 'content-length': 3 } })),
    (request) => {
      request.flushHeaders();
      request.on('continue', () => request.end('abc'));
    },
  );
  await simple(
    'destroyed at once',
    () => http.request(at()),
    (request) => request.destroy(),
  );
  await simple(
    'destroyed with an error a turn later',
    () => http.request(at()),
    (request) => {
      request.end();
      setImmediate(() => request.destroy(new Error('mine')));
    },
  );
  await simple(
    'destroyed while it hangs',
    () => facing('hang', () => http.request(at())),
    (request) => {
      request.end();
      setTimeout(() => request.destroy(), 40);
    },
  );
  await simple(
    'destroyed on response',
    () => http.request(at()),
    (request) => {
      request.on('response', () => request.destroy());
      request.end();
    },
  );
  await simple(
    'response destroyed',
    () => http.request(at()),
    (request) => {
      request.on('response', (response) => response.destroy());
      request.end();
    },
  );
  await simple(
    'response destroyed with an error',
    () => http.request(at()),
    (request) => {
      request.on('response', (response) => response.destroy(new Error('enough')));
      request.end();
    },
  );
  await simple(
    'abort()',
    () => http.request(at()),
    (request) => {
      request.end();
      request.abort();
    },
  );
  await simple(
    'abort() while it hangs',
    () => facing('hang', () => http.request(at())),
    (request) => {
      request.end();
      setTimeout(() => request.abort(), 40);
    },
  );
  await simple('a signal aborted beforehand', () => http.request(at({ signal: AbortSignal.abort() })));
  await simple('a signal aborted while it hangs', () => {
    upstream.reset('hang');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 40);
    return http.request(at({ signal: controller.signal }));
  });
  await simple(
    'setTimeout strikes',
    () => facing('hang', () => http.request(at())),
    (request, log) => {
      request.setTimeout(40, () => {
        log.push('callback');
        request.destroy();
      });
      request.end();
    },
  );
  await simple(
    'options.timeout strikes',
    () => facing('hang', () => http.request(at({ timeout: 40 }))),
    (request) => {
      request.on('timeout', () => request.destroy(new Error('late')));
      request.end();
    },
  );
  await simple(
    'setNoDelay and setSocketKeepAlive before there is a socket',
    () => http.request(at({ agent: plain })),
    (request) => {
      request.setNoDelay(true);
      request.setSocketKeepAlive(true, 1000);
      request.end();
    },
  );
  await simple('createConnection', () =>
    http.request(at({ agent: undefined as never, createConnection: () => net.connect(port, '127.0.0.1') })),
  );
  await simple('createConnection by callback', () =>
    http.request(
      at({
        agent: undefined as never,
        createConnection: ((_: unknown, done: (error: null, socket: net.Socket) => void) =>
          void setTimeout(() => done(null, net.connect(port, '127.0.0.1')), 5)) as never,
      }),
    ),
  );
  await scenario('createConnection that throws', async (log) => {
    const create = (): never => {
      throw new Error('no connection');
    };
    const request = http.request(at({ agent: undefined as never, createConnection: create }));
    track(request, log);
    request.end();
    await tick(40);
  });
  await simple('a unix socket', () => http.request({ socketPath, path: '/', agent: keepAlive }));
  await simple(
    'an early response while the upload goes on',
    () => facing({ early: 413 }, () => http.request(post())),
    (request) => {
      request.write('a');
      setTimeout(() => request.end('b'), 60);
    },
  );
  await simple('HEAD', () => http.request(at({ method: 'HEAD' })));
  await simple('a 304', () => facing(304, () => http.request(at())));
  await simple('a 503', () => facing(503, () => http.request(at())));
  await scenario('a response nobody listens for', async (log) => {
    const request = http.request(at()).end();
    await new Promise((resolve) => request.on('close', resolve));
    log.push(stateOf(request));
  });
  await scenario('a 503 nobody listens for', async (log) => {
    upstream.reset(503);
    const request = http.request(at()).end();
    await new Promise((resolve) => request.on('close', resolve));
    log.push(stateOf(request));
  });
  await scenario('a response that is listened for and never read', async (log) => {
    let response: http.IncomingMessage | undefined;
    const { request, closed } = track(http.request(at()), log, false);
    request.on('response', (given) => {
      response = given;
    });
    request.end();
    while (!response?.complete) await tick(5);
    request.destroy();
    await closed;
  });
  await simple('connection refused', () => http.request(at({ port: 1 })));
  await simple('a name that does not resolve', () =>
    http.request(
      at({
        host: 'nowhere.invalid',
        lookup: ((_: string, __: unknown, done: (error: Error) => void) =>
          done(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }))) as never,
      }),
    ),
  );
  await simple('a connection reset before the response', () =>
    facing('reset', () => http.request(at({ agent: plain }))),
  );
  await simple('a connection closed before the response', () =>
    facing('hang_up', () => http.request(at({ agent: plain }))),
  );
  await simple(
    'a POST whose connection is reset',
    () => facing('reset', () => http.request(post({ agent: plain }))),
    (request, log) => {
      request.write('abc', (error) => log.push(`written ${error?.message}`));
      request.end('def', () => log.push('ended'));
    },
  );
  await simple('a body cut off', () => facing('truncate', () => http.request(at({ agent: plain }))));
  await simple(
    'an upgrade',
    () => http.request(at({ headers: { connection: 'Upgrade', upgrade: 'foo' }, agent: plain })),
    (request, log) => {
      request.on('upgrade', (_response, socket, head) => {
        log.push(`head ${head}`);
        socket.on('data', (data: Buffer) => log.push(`data ${data}`)).on('error', () => {});
      });
      request.end();
    },
  );
  await simple(
    'an upgrade nobody listens for',
    () => {
      const request = http.request(at({ headers: { connection: 'Upgrade', upgrade: 'foo' }, agent: plain }));
      return request;
    },
    (request) => request.removeAllListeners('upgrade').end(),
  );
  await simple(
    'CONNECT',
    () => http.request(at({ method: 'CONNECT', path: 'a:1', agent: plain })),
    (request, log) => {
      request.on('connect', (_response, socket, head) => {
        log.push(`head ${head}`);
        socket.on('error', () => {}).destroy();
      });
      request.end();
    },
  );
  await scenario('103 and trailers', async (log) => {
    let response: http.IncomingMessage | undefined;
    const { request, closed } = track(http.request(at({ path: '/hints' })), log);
    request.on('response', (given) => {
      response = given;
    });
    request.end();
    await closed;
    log.push(JSON.stringify(response?.trailers));
  });
  await simple('three at once on one connection', () => {
    http.get(at({ agent: single })).on('error', () => {});
    http.get(at({ agent: single })).on('error', () => {});
    return http.request(at({ agent: single }));
  });
  await scenario('a large upload under backpressure', async (log) => {
    const request = http.request(post());
    const source = Readable.from(
      (function* () {
        for (let i = 0; i < 32; i++) yield Buffer.alloc(65_536);
      })(),
    );
    source.pipe(request);
    await new Promise((resolve) => request.on('response', (response) => response.resume().on('end', resolve)));
    log.push(`ended ${request.writableEnded}`);
  });
  await scenario('a large response read slowly', async (log) => {
    upstream.reset({ status: 200, body: Buffer.alloc(1_000_000, 'x') });
    const [response] = (await EventEmitter.once(http.get(at()), 'response')) as [http.IncomingMessage];
    let size = 0;
    for await (const chunk of response) size += (chunk as Buffer).length;
    log.push(`${size} bytes, ended ${response.readableEnded}`);
  });
  await scenario('stream.pipeline and stream.finished', async (log) => {
    const request = http.request(post(), (response) => response.resume());
    const piped = new Promise((resolve) =>
      pipeline(Readable.from(['a', 'b']), request, (error) => resolve(`pipeline ${error?.message}`)),
    );
    const ended = new Promise((resolve) => finished(request, (error) => resolve(`finished ${error?.message}`)));
    log.push(String(await piped), String(await ended));
  });
  await scenario('a loop over the body left early', async (log) => {
    upstream.reset({ status: 200, body: Buffer.alloc(300_000, 'x') });
    const { request, closed } = track(http.get(at()), log, false);
    request.on('response', async (response) => {
      for await (const _ of response) break;
    });
    await closed;
  });
  await simple(
    'a write after the end',
    () => http.request(post()),
    (request, log) => {
      request.end('x');
      request.write('y', (error) => log.push(`written ${error?.message}`));
    },
  );
  await simple(
    'setHeader after the head was sent',
    () => http.request(post()),
    (request, log) => {
      request.write('x');
      try {
        request.setHeader('a', 'b');
      } catch (error) {
        log.push(errorName(error as Error));
      }
      request.end();
    },
  );
  const misuse: Record<string, () => unknown> = {
    'a bad header': () => http.request(at({ headers: { 'bad header': 'x' } })),
    'a bad URL': () => http.request('http://'),
    'a protocol of another module': () => http.request({ protocol: 'https:', host: '127.0.0.1', port }),
    'a bad path': () => http.request(at({ path: '/a b' })),
    'a method that is no string': () => http.request(at({ method: 1 as never })),
    'a host that is no string': () => http.request(at({ host: 5 as never })),
    'an agent that is none': () => http.request(at({ agent: {} as never })),
    'a port out of range': () => http.request(at({ port: 70_000, agent: plain })),
    'a bad timeout': () => http.request(at({ timeout: 'x' as never })),
  };
  for (const [name, make] of Object.entries(misuse)) await scenario(name, async () => void make());
  for (const name of ['request', 'get'] as const) {
    results[`the surface of http.${name}`] = [
      `${http[name].name} ${http[name].length} ${Object.keys(http[name])} ${JSON.stringify(Object.getOwnPropertyDescriptor(http, name))}`,
    ];
  }
  for (const agent of [keepAlive, single, plain, custom]) agent.destroy();
  unix.close();
  await upstream.close();
  results['faults of our own'] = faults;
  process.stdout.write(JSON.stringify(results));
}

void main();
