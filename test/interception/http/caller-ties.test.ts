import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import tls, { type TLSSocket } from 'node:tls';
import { describe, it } from 'mocha';
import { readTarget } from '../../../src/interception/http/call/call-target.ts';
import { credentialsOf, isPinned } from '../../../src/interception/http/call/caller-ties.ts';
import { substituteSocket } from '../../../src/interception/http/call/substitute.ts';

const HTTP = { protocol: 'http:', globalAgent: http.globalAgent } as const;

function targetOf(...args: unknown[]): NonNullable<ReturnType<typeof readTarget>> {
  const target = readTarget(HTTP, args);
  assert.ok(target);
  return target;
}

describe('what names a caller apart from headers', () => {
  const credentials = (options: object): string | undefined => credentialsOf(targetOf(options), http);

  it('is nothing for an ordinary call', () => {
    assert.equal(credentials({ host: 'a', agent: new http.Agent({ keepAlive: true }) }), undefined);
  });
  it('is a client certificate or key, of the options or of the agent', () => {
    const own = credentials({ host: 'a', cert: 'A', key: Buffer.from('K') });
    assert.notEqual(own, undefined);
    assert.equal(own, credentials({ host: 'a', cert: 'A', key: Buffer.from('K') }));
    assert.notEqual(own, credentials({ host: 'a', cert: 'B', key: Buffer.from('K') }));
    assert.equal(own, credentials({ host: 'a', agent: new https.Agent({ cert: 'A', key: Buffer.from('K') }) }));
  });
  it('is the userinfo of a URL, or auth', () => {
    assert.notEqual(credentialsOf(targetOf('http://u:p@a/'), http), undefined);
    assert.notEqual(credentials({ host: 'a', auth: 'u:p' }), undefined);
  });
});

describe('a call that is tied to its place', () => {
  const pinned = (options: object): boolean => isPinned(targetOf(options), http);

  it('is not one without such options, nor one by a proxy agent or agentkeepalive', () => {
    class ProxyAgent extends http.Agent {
      readonly proxy = new URL('http://proxy.test');
      override createConnection(): never {
        throw new Error('not here');
      }
    }
    assert.equal(pinned({ host: 'a' }), false);
    assert.equal(pinned({ host: 'a', agent: new http.Agent({ keepAlive: true, timeout: 5 }) }), false);
    assert.equal(pinned({ host: 'a', agent: new ProxyAgent() }), false);
    // What got always states.
    assert.equal(pinned({ host: 'a', checkServerIdentity: tls.checkServerIdentity }), false);
  });
  for (const [name, options] of Object.entries({
    'a socket path': { socketPath: '/tmp/s' },
    'a lookup': { lookup: () => {} },
    'a server name': { servername: 'b' },
    'a client certificate': { cert: 'A' },
    'no check of certificates': { rejectUnauthorized: false },
    'a connection of its own': { createConnection: () => {} },
    'an agent with a socket path': { agent: new http.Agent({ socketPath: '/tmp/s' } as http.AgentOptions) },
    'an agent with a place': { agent: new http.Agent({ host: 'b' } as http.AgentOptions) },
    'an agent that connects in its own way': {
      agent: Object.assign(new http.Agent(), { createConnection: () => {} }),
    },
    'an agent that says nothing': { agent: { addRequest() {} } },
  })) {
    it(`is one with ${name}`, () => assert.equal(pinned({ host: 'a', ...options }), true));
  }
});

describe('where a call goes', () => {
  const place = (...args: unknown[]): string | undefined => {
    const target = readTarget(HTTP, args);
    return target && `${target.host}:${target.port}`;
  };

  it('is read as Node reads it: hostname before host, be it the one of a URL', () => {
    assert.equal(place('http://127.0.0.1:81/', { host: 'other.example' }), '127.0.0.1:81');
    assert.equal(place({ hostname: 'a', host: 'b', port: '82' }), 'a:82');
    assert.equal(place('http://a:81/', { port: undefined }), 'a:80');
  });
  it('is the socket of the agent, or the place it is set to', () => {
    assert.equal(
      place({ host: 'a', agent: new http.Agent({ socketPath: '/tmp/s' } as http.AgentOptions) }),
      '/tmp/s:0',
    );
    assert.equal(place({ host: 'a', agent: new http.Agent({ host: 'b', port: 83 } as http.AgentOptions) }), 'b:83');
  });
  it('is nowhere for what is no host name', () => {
    for (const host of ['user:secret@evil.host', '<img src=x>', 'evil\u001b[31m\nhost', 'a b', 'a/b', 'a:80']) {
      assert.equal(place({ host }), undefined, host);
    }
    assert.equal(place({ host: 'a', port: 99_999 }), undefined);
    assert.equal(place({ host: '[::1]' }), '::1:80');
    assert.equal(place({ host: 'bücher.example' }), 'bücher.example:80');
  });
});

describe('the connection of a substitute for a TLS call', () => {
  it('answers what an app may ask a TLS connection', () => {
    const socket = substituteSocket({ status: 200, headers: [], body: Buffer.alloc(0) }, 'GET', true) as TLSSocket;
    assert.deepEqual(socket.getPeerCertificate(), {});
    assert.equal(socket.getProtocol(), 'TLSv1.3');
    assert.equal(socket.getCipher().version, 'TLSv1.3');
    assert.equal(socket.getSession(), undefined);
    assert.equal(socket.encrypted, true);
    assert.equal(socket.authorized, true);
    assert.equal(socket.authorizationError, null);
  });
});
