import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import { after, before, beforeEach, describe, it } from 'mocha';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import type { Undo } from '../../../src/interception/patch.ts';
import type { Endpoint, EndpointTarget } from '../../../src/strategies/shared/contract.ts';
import { CERTIFICATE, KEY } from './fixtures/certificate.ts';
import { type Script, ScriptedEngine } from './scripted-engine.ts';
import { Upstream } from './upstream.ts';

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

describe('an attempt at another endpoint', () => {
  const engine = new ScriptedEngine();
  const faults: unknown[] = [];
  const serverNames: unknown[] = [];
  let undo: Undo;
  let primary: Upstream;
  let backup: Upstream;
  let secure: Upstream;

  before(async () => {
    primary = await new Upstream().listen();
    backup = await new Upstream().listen();
    const server = https.createServer({ cert: CERTIFICATE, key: KEY });
    server.on('secureConnection', (socket: TLSSocket) =>
      serverNames.push((socket as TLSSocket & { servername: unknown }).servername),
    );
    secure = await new Upstream(server as unknown as http.Server).listen();
    ({ undo } = patchHttp({ engine, bypass: () => false, report: (error) => faults.push(error) }));
  });
  after(async () => {
    undo();
    https.globalAgent.destroy();
    http.globalAgent.destroy();
    await Promise.all([primary.close(), backup.close(), secure.close()]);
  });
  beforeEach(() => {
    for (const upstream of [primary, backup, secure]) upstream.reset();
    serverNames.length = 0;
    faults.length = 0;
  });

  const endpoint = (port: number, more: Partial<EndpointTarget> = {}): Endpoint => ({
    name: 'backup',
    breaker: undefined,
    target: { protocol: 'http:', host: '127.0.0.1', port, basePath: '', forwardCredentials: false, ...more },
  });

  const diverting = (to: Endpoint, first = false): Script => {
    const divert = (): ((call: { send(endpoint: Endpoint): void }) => void) => (call) => call.send(to);
    return {
      buffersOutcome: true,
      maxReplayBytes: 1000,
      ...(first ? { first: (call) => call.send(to) } : {}),
      head: (call, { status }) => (status >= 500 && call.attempts < 2 ? divert() : undefined),
      error: (call) => (call.attempts < 2 ? divert() : undefined),
    };
  };

  async function call(
    script: Script,
    options: https.RequestOptions,
    body?: string,
    module: typeof http | typeof https = http,
  ): Promise<Answer> {
    engine.reset(script);
    return await new Promise((resolve, reject) => {
      const request = module.request(
        { host: '127.0.0.1', port: primary.port, path: '/users/1?a=b', ...options },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString(), headers: response.headers }),
          );
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  it('keeps method, path, query and body, puts the base path before, and names the endpoint as its host', async () => {
    primary.steps = [503];
    const headers = { 'x-mine': 'yes', 'content-type': 'text/plain' };
    const { status } = await call(
      diverting(endpoint(backup.port, { basePath: '/v2' })),
      { method: 'PUT', headers },
      'body',
    );
    assert.equal(status, 200);
    const [head] = backup.heads;
    assert.equal(head?.method, 'PUT');
    assert.equal(head?.url, '/v2/users/1?a=b');
    assert.equal(head?.headers.host, `127.0.0.1:${backup.port}`);
    assert.equal(head?.headers['x-mine'], 'yes');
    assert.equal(head?.headers['content-length'], '4');
    assert.deepEqual(backup.bodies, ['body']);
  });

  it('works as the very first attempt, and leaves the primary alone', async () => {
    const { status } = await call(diverting(endpoint(backup.port), true), {});
    assert.equal(status, 200);
    assert.equal(primary.connections, 0);
    assert.equal(backup.hits, 1);
  });

  it('does not get credentials meant for another origin', async () => {
    const headers = { Authorization: 'secret', Cookie: 'secret', 'Proxy-Authorization': 'secret', 'X-Other': 'fine' };
    for (const given of [headers, ['Host', 'a', ...Object.entries(headers).flat()]]) {
      primary.steps = [503];
      backup.reset();
      await call(diverting(endpoint(backup.port)), { headers: given as never });
      const text = JSON.stringify(backup.heads[0]?.headers);
      assert.ok(!text.includes('secret'), text);
      assert.equal(backup.heads[0]?.headers['x-other'], 'fine');
    }
    primary.steps = [503];
    await call(diverting(endpoint(backup.port)), { auth: 'user:secret' });
    assert.equal(backup.heads[1]?.headers.authorization, undefined);
  });

  it('does not get credentials set on the request later, nor by a request that has not been ended yet', async () => {
    engine.reset(diverting(endpoint(backup.port), true));
    const request = http.request({ host: '127.0.0.1', port: primary.port });
    request.setHeader('authorization', 'secret');
    await new Promise((resolve) => request.on('socket', () => setImmediate(resolve)));
    request.setHeader('cookie', 'secret');
    request.end();
    await new Promise((resolve) => request.on('response', (response) => response.resume().on('end', resolve)));
    assert.ok(!JSON.stringify(backup.heads).includes('secret'));
    assert.equal(request.getHeader('authorization'), 'secret');
  });

  it('gets credentials if the policy says so, or if it is the same origin', async () => {
    const headers = { authorization: 'secret' };
    primary.steps = [503];
    await call(diverting(endpoint(backup.port, { forwardCredentials: true })), { headers });
    assert.equal(backup.heads[0]?.headers.authorization, 'secret');
    primary.steps = [503];
    await call(diverting(endpoint(primary.port)), { headers });
    assert.equal(primary.heads.at(-1)?.headers.authorization, 'secret');
  });

  it('is reached over TLS from a plain call, by its own name', async () => {
    primary.steps = [503];
    const target = endpoint(secure.port, { protocol: 'https:', host: 'localhost' });
    const { status } = await call(diverting(target), {
      agent: new http.Agent(),
      ca: CERTIFICATE,
    } as https.RequestOptions);
    assert.equal(status, 200);
    assert.deepEqual(serverNames, ['localhost']);
    assert.equal(secure.heads[0]?.headers.host, `localhost:${secure.port}`);
  });

  it('is reached plainly from a TLS call', async () => {
    secure.steps = [503];
    const { status } = await call(
      diverting(endpoint(backup.port)),
      { port: secure.port, ca: CERTIFICATE, servername: 'other.example', checkServerIdentity: () => undefined },
      undefined,
      https,
    );
    assert.equal(status, 200);
    assert.equal(backup.hits, 1);
  });

  it('can itself fail, and the app gets what it answered', async () => {
    primary.steps = ['reset'];
    backup.steps = [502];
    const { status } = await call(diverting(endpoint(backup.port)), { agent: new http.Agent() });
    assert.equal(status, 502);
    await assert.rejects(
      call(diverting(endpoint(1)), { agent: new http.Agent(), path: '/' }).then((answer) => {
        if (answer.status === 200) throw Object.assign(new Error('unexpected'), { code: 'ECONNREFUSED' });
        return answer;
      }),
      { code: 'ECONNREFUSED' },
    );
  });

  it('repeats over TLS on the same connection', async () => {
    secure.steps = [503, 503];
    const agent = new https.Agent({ keepAlive: true, ca: CERTIFICATE });
    const script: Script = {
      buffersOutcome: true,
      maxReplayBytes: 10,
      head: (c, { status }) => (status >= 500 ? () => c.send() : undefined),
    };
    const { status } = await call(script, { port: secure.port, agent, method: 'POST' }, 'abc', https);
    assert.equal(status, 200);
    assert.deepEqual(secure.bodies, ['abc', 'abc', 'abc']);
    assert.equal(serverNames.length, 1);
    agent.destroy();
  });
});
