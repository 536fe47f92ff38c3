import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { buildStages } from '../../src/engine/build-pipeline.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createResilience, type Resilience } from '../../src/resilience.ts';
import type { Change, SampleDocument, StatusDocument } from '../../src/status/document.ts';
import { type StatusPage, serveStatus } from '../../src/status/serve.ts';
import { EVENT_CHANNEL } from '../../src/telemetry/names.ts';
import { engineHarness } from '../support/engine-harness.ts';
import { type Ask, ask, begin, events } from './requests.ts';

const TOKEN = 'sesame';
const UPSTREAM = 'http://upstream.test';
const JSON_TYPE = { 'content-type': 'application/json' };
const BEARER = { authorization: `Bearer ${TOKEN}` };

let page: StatusPage | undefined;
let resilience: Resilience;
let lines: string[];

beforeEach(() => {
  lines = [];

  const harness = engineHarness({ buildStages });
  const engine: Engine = harness.engine;
  harness.pipeline();
  resilience = createResilience(() => engine);
});
afterEach(() => page?.close());

/** The URL of a page on a port that is free. */
async function serve(token?: string, host = '127.0.0.1'): Promise<string> {
  const told = new Promise<string>((resolve) => {
    const report = (line: string): void => {
      lines.push(line);
      const url = /status page at (\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url.replace('0.0.0.0', '127.0.0.1'));
    };
    page = serveStatus({ address: `${host}:0`, token, resilience, report });
  });
  return told;
}

const status = async (url: string, options: Ask = {}): Promise<number> => (await ask(url, options)).status;
const steer = (url: string, action: string, options: Ask): ReturnType<typeof ask> =>
  ask(`${url}circuits/${action}`, { method: 'POST', body: JSON.stringify({ name: UPSTREAM }), ...options });
const circuitState = (): string | undefined => resilience.circuit(UPSTREAM)?.state;

describe('the status page server', () => {
  it('serves a page that loads nothing from anywhere, under a strict policy', async () => {
    const { headers, body } = await ask(await serve());
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['access-control-allow-origin'], undefined);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.doesNotMatch(body, /(?:src|href)="(?!data:|#)/);
    assert.match(body, /Copyright \(c\) \d+ Leon Sorokin/);
  });

  it('answers /status and /healthz', async () => {
    const url = await serve();
    const { headers, body } = await ask(`${url}status`);
    assert.match(String(headers['content-type']), /^application\/json/);
    const { version, actions, upstreams } = JSON.parse(body) as StatusDocument;
    assert.deepEqual([version, actions, upstreams[0]?.upstream], [2, false, UPSTREAM]);
    assert.equal((await ask(`${url}healthz`)).body, 'ok\n');
    assert.equal((await ask(`${url}status`, { method: 'HEAD' })).body, '');
  });

  it('knows no other page and no other method', async () => {
    const url = await serve(TOKEN);
    assert.equal(await status(`${url}etc/passwd`), 404);
    assert.equal(await status(`${url}circuits/explode`, { method: 'POST' }), 404);
    assert.equal(await status(`${url}status`, { method: 'POST' }), 405);
    const { status: got, headers } = await ask(`${url}circuits/reset`, { headers: BEARER });
    assert.deepEqual([got, headers.allow], [405, 'POST']);
  });

  it('is there for loopback names only', async () => {
    const url = await serve();
    const { port } = new URL(url);
    const ofHost = (host: string): Promise<number> => status(`${url}status`, { headers: { host } });
    for (const host of [`localhost:${port}`, 'LOCALHOST', `127.0.0.1:${port}`, '127.0.0.1', `[::1]:${port}`]) {
      assert.equal(await ofHost(host), 200, host);
    }
    for (const host of [
      'rebound.example',
      `rebound.example:${port}`,
      '10.0.0.1',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'a b',
    ]) {
      assert.equal(await ofHost(host), 403, host);
    }
  });

  it('refuses requests that another site makes, even with the token', async () => {
    const url = await serve(TOKEN);
    const own = new URL(url).origin;
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      assert.equal(await status(`${url}status`, { headers }), 403);
      assert.equal((await steer(url, 'force-open', { headers: { ...JSON_TYPE, ...BEARER, ...headers } })).status, 403);
    }
    assert.equal(circuitState(), 'closed');
    assert.equal(await status(`${url}status`, { headers: { origin: own, 'sec-fetch-site': 'same-origin' } }), 200);
    assert.equal(
      await status(url, { headers: { 'sec-fetch-site': 'cross-site' } }),
      200,
      'a link may lead to the page',
    );
  });

  it('steers circuits for who has the token', async () => {
    const url = await serve(TOKEN);
    const headers = { ...JSON_TYPE, ...BEARER };
    for (const [action, state] of [
      ['force-open', 'forced_open'],
      ['probe-now', 'half_open'],
      ['force-closed', 'forced_closed'],
      ['reset', 'closed'],
    ] as const) {
      const answer = await steer(url, action, { headers });
      assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { name: UPSTREAM, state }]);
      assert.equal(circuitState(), state);
    }
  });

  it('takes a token of several words', async () => {
    const url = await serve('open sesame');
    const headers = { ...JSON_TYPE, authorization: 'Bearer open sesame' };
    assert.equal((await steer(url, 'force-open', { headers })).status, 200);
    assert.equal((await steer(url, 'reset', { headers: { ...headers, authorization: 'Bearer open' } })).status, 401);
  });

  it('steers nothing without the token, with a wrong one, or when none is configured', async () => {
    const url = await serve(TOKEN);
    const of = async (authorization?: string) =>
      await steer(url, 'force-open', { headers: { ...JSON_TYPE, ...(authorization && { authorization }) } });
    const missing = await of();
    assert.deepEqual([missing.status, missing.headers['www-authenticate']], [401, 'Bearer realm="resilience status"']);
    for (const wrong of ['Bearer ', 'Bearer sesam', 'Bearer sesamee', 'Bearer SESAME', `Basic ${TOKEN}`, TOKEN]) {
      assert.equal((await of(wrong)).status, 401, wrong);
    }
    page?.close();
    const open = await serve();
    assert.equal((await steer(open, 'force-open', { headers: { ...JSON_TYPE, ...BEARER } })).status, 403);
    assert.equal(circuitState(), 'closed');
  });

  it('takes JSON with the name of a circuit, and not much of it', async () => {
    const url = await serve(TOKEN);
    const of = async (body: string, type = 'application/json') =>
      (await steer(url, 'force-open', { headers: { ...BEARER, 'content-type': type }, body })).status;
    assert.equal(await of(`name=${UPSTREAM}`, 'application/x-www-form-urlencoded'), 415);
    assert.equal(await of(JSON.stringify({ name: UPSTREAM }), 'text/plain'), 415);
    for (const body of ['', '{', '[]', 'null', '{"name":7}', '{"name":""}']) assert.equal(await of(body), 400, body);
    assert.equal(await of(JSON.stringify({ name: 'http://unknown.test' })), 404);
    assert.equal(await of(JSON.stringify({ name: 'x'.repeat(5_000) })), 413);
    assert.equal(circuitState(), 'closed');
  });

  it('streams a snapshot, then samples and changes of state', async () => {
    const url = await serve();
    const response = await begin(`${url}events`);
    assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
    const stream = events(response);
    const first = await stream.next();
    assert.ok(first.done !== true);
    assert.equal(first.value.event, 'snapshot');
    assert.equal((first.value.data as StatusDocument).upstreams.length, 1);
    const event = {
      type: 'circuit_state_changed',
      circuit: UPSTREAM,
      state: 'open',
      previousState: 'closed',
      reason: 'manual',
    };
    const traceId = 'a'.repeat(32);
    diagnosticsChannel
      .channel(EVENT_CHANNEL)
      .publish({ event, policy: 'p', upstream: UPSTREAM, mode: 'enforce', timestamp: 1, traceId });
    const seen = new Map<string, unknown>();
    for await (const { event: name, data } of stream) {
      seen.set(name, data);
      if (seen.size === 2) break;
    }
    assert.equal((seen.get('change') as Change).traceId, traceId);
    assert.equal((seen.get('sample') as SampleDocument).upstreams[0]?.upstream, UPSTREAM);
  });

  it('has room for eight listeners, and again when one has gone', async () => {
    const url = await serve();
    const listeners = await Promise.all(Array.from({ length: 8 }, () => begin(`${url}events`)));
    const { status: refused, headers } = await ask(`${url}events`);
    assert.deepEqual([refused, headers['retry-after']], [503, '5']);
    const [leaving] = listeners;
    leaving?.destroy();
    let again = await begin(`${url}events`);
    while (again.statusCode === 503) {
      again.destroy();
      again = await begin(`${url}events`);
    }
    assert.equal(again.statusCode, 200);
  });

  it('answers while others hold more connections than it keeps, and say nothing or half of it', async () => {
    const url = await serve();
    const port = Number(new URL(url).port);
    const holders: net.Socket[] = [];
    try {
      for (let i = 0; i < 200; i++) {
        const socket = net.connect(port, '127.0.0.1').on('error', () => {});
        holders.push(socket);
        await once(socket, 'connect');
        if (i % 2 === 0) socket.write('GET /status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
        if (i % 25 === 0) assert.equal(await status(`${url}status`), 200, `with ${i} of them`);
      }
      assert.equal(await status(`${url}status`), 200);
    } finally {
      for (const socket of holders) socket.destroy();
    }
  });

  it('keeps its listeners while connections that say nothing come and go', async () => {
    const url = await serve();
    const port = Number(new URL(url).port);
    const stream = events(await begin(`${url}events`));
    assert.equal((await stream.next()).done, false);
    const holders: net.Socket[] = [];
    try {
      for (let i = 0; i < 150; i++) {
        holders.push(net.connect(port, '127.0.0.1').on('error', () => {}));
        await once(holders[i] as net.Socket, 'connect');
      }
      const next = await stream.next();
      assert.equal(next.done, false);
    } finally {
      for (const socket of holders) socket.destroy();
    }
  });

  it('listens on other addresses only with a token, which is then needed to read', async () => {
    assert.equal(
      serveStatus({ address: '0.0.0.0:0', token: undefined, resilience, report: (line) => lines.push(line) }),
      undefined,
    );
    assert.match(lines.join(), /OTEL_RESILIENCE_STATUS_TOKEN/);
    const url = await serve(TOKEN, '0.0.0.0');
    for (const path of ['status', 'events']) assert.equal(await status(url + path), 401, path);
    assert.equal(await status(`${url}status`, { headers: BEARER }), 200);
    assert.equal(await status(`${url}healthz`), 200);
    assert.equal(await status(`${url}status`, { headers: { ...BEARER, host: '10.1.2.3:80' } }), 200);
    assert.equal(await status(`${url}status`, { headers: { ...BEARER, host: 'rebound.example' } }), 403);
  });

  it('says in one line what is wrong with an address', () => {
    assert.equal(
      serveStatus({ address: 'example.com:1', token: TOKEN, resilience, report: (line) => lines.push(line) }),
      undefined,
    );
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^OTEL_RESILIENCE_STATUS: expected host:port.*got "example.com:1"/);
  });

  it('survives nonsense on its port', async () => {
    const url = await serve();
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    socket.end('\u0016\u0003\u0001 this is no HTTP\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    assert.equal(await status(`${url}healthz`), 200);
  });

  it('is not seen by what wraps the servers of the process', async () => {
    const { emit } = http.Server.prototype;
    const seen: unknown[] = [];
    http.Server.prototype.emit = function (this: http.Server, event: string | symbol, ...args: unknown[]) {
      seen.push(event);
      return Reflect.apply(emit, this, [event, ...args]) as boolean;
    };
    try {
      const url = await serve();
      assert.equal(await status(`${url}status`), 200);
    } finally {
      http.Server.prototype.emit = emit;
    }
    assert.deepEqual(seen, []);
  });

  it('takes its port back from nobody after it is closed', async () => {
    const url = await serve();
    page?.close();
    await assert.rejects(ask(`${url}healthz`), { code: 'ECONNREFUSED' });
    assert.equal(diagnosticsChannel.hasSubscribers(EVENT_CHANNEL), false);
  });
});
