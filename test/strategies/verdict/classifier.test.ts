import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import vm from 'node:vm';
import { describe, it } from 'mocha';
import { BulkheadFullError, CircuitOpenError, TimeoutError } from '../../../src/errors.ts';
import { Classifier } from '../../../src/strategies/verdict/classifier.ts';
import { VERDICT_DEFAULTS } from '../../../src/strategies/verdict/options.ts';

const classifier = new Classifier(VERDICT_DEFAULTS);

function coded(code: string, fields: object = {}): Error {
  return Object.assign(new Error(code), { code }, fields);
}

function failedFetch(cause: unknown): Error {
  return new TypeError('fetch failed', { cause });
}

const UPSTREAM = [
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ECONNABORTED EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN',
  'ENOTFOUND EAI_AGAIN EAI_FAIL EAI_NODATA ESERVFAIL ETIMEOUT',
  'UND_ERR_SOCKET UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT UND_ERR_PRX_TLS',
  'HPE_INVALID_CONSTANT HPE_HEADER_OVERFLOW UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'EPROTO CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_HANDSHAKE_TIMEOUT ERR_SSL_WRONG_VERSION_NUMBER HOSTNAME_MISMATCH',
  'ERR_HTTP2_STREAM_ERROR ERR_SOCKET_CONNECTION_TIMEOUT',
]
  .join(' ')
  .split(' ');

const NOT_UPSTREAM = [
  'ERR_INVALID_ARG_TYPE ERR_INVALID_URL ERR_HTTP_HEADERS_SENT ERR_HTTP_INVALID_HEADER_VALUE ERR_INVALID_CHAR',
  'ERR_TLS_INVALID_PROTOCOL_VERSION ERR_OSSL_PEM_NO_START_LINE ERR_STREAM_WRITE_AFTER_END',
  'UND_ERR_INVALID_ARG UND_ERR_ABORTED UND_ERR_DESTROYED UND_ERR_CLOSED UND_ERR_INFO UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'EADDRNOTAVAIL EADDRINUSE EMFILE ENFILE EACCES EPERM ENOENT ABORT_ERR SOMETHING_NEW',
]
  .join(' ')
  .split(' ');

describe('verdict of a status', () => {
  it('is failure from 500 to 599, except for 501 and 505', () => {
    const failures = Array.from({ length: 1_000 }, (_, status) => status).filter(
      (status) => classifier.status(status) === 'failure',
    );
    const expected = Array.from({ length: 100 }, (_, i) => 500 + i).filter((s) => s !== 501 && s !== 505);
    assert.deepEqual(failures, expected);
  });

  it('is ignored for 429, and success for everything else', () => {
    assert.equal(classifier.status(429), 'ignored');
    for (const status of [0, 101, 200, 304, 404, 408, 418, 501, 505, 600, 999, 1_000, -1, Number.NaN]) {
      assert.equal(classifier.status(status), 'success', String(status));
    }
  });

  it('follows the options: ranges, then exceptions, then what is ignored', () => {
    const strict = new Classifier({
      statuses: [{ from: 400, to: 599 }],
      except: [{ from: 404, to: 410 }],
      codes: [],
      ignore: { statuses: [{ from: 410, to: 429 }], codes: [] },
    });
    const verdicts = [400, 403, 404, 409, 410, 429, 430, 599].map((status) => strict.status(status));
    assert.deepEqual(verdicts, [
      'failure',
      'failure',
      'success',
      'success',
      'ignored',
      'ignored',
      'failure',
      'failure',
    ]);
  });
});

describe('verdict of an error', () => {
  for (const code of UPSTREAM) {
    it(`is failure for ${code}, plain and as the cause of a failed fetch`, () => {
      assert.equal(classifier.error(coded(code)), 'failure');
      assert.equal(classifier.error(failedFetch(coded(code))), 'failure');
    });
  }

  for (const code of NOT_UPSTREAM) {
    it(`is ignored for ${code}, which says nothing about the upstream`, () => {
      assert.equal(classifier.error(coded(code)), 'ignored');
      assert.equal(classifier.error(failedFetch(coded(code))), 'ignored');
    });
  }

  it('is failure for a socket that hung up, though no code says so', () => {
    assert.equal(classifier.error(new Error('socket hang up')), 'failure');
    assert.equal(classifier.error(new TypeError('terminated', { cause: new Error('other side closed') })), 'failure');
  });

  it('is failure for a parse error that lost its code', () => {
    assert.equal(
      classifier.error(Object.assign(new Error('x'), { name: 'HTTPParserError', code: undefined })),
      'failure',
    );
  });

  it('is failure for a unix socket nobody listens on, not for a missing file of our own', () => {
    assert.equal(classifier.error(coded('ENOENT', { syscall: 'connect' })), 'failure');
    assert.equal(classifier.error(coded('ENOENT', { syscall: 'open' })), 'ignored');
  });

  it('is failure for a tunnel the proxy could not make, not for one it would not', () => {
    const refused = (status: number) =>
      Object.assign(new Error(`Proxy response (${status}) !== 200 when HTTP Tunneling`), { code: 'UND_ERR_ABORTED' });
    assert.equal(classifier.error(refused(503)), 'failure');
    assert.equal(classifier.error(refused(407)), 'ignored');
  });

  it('is failure for what the other side did to an HTTP/2 stream', () => {
    const info = (message: string) => Object.assign(new Error(message), { code: 'UND_ERR_INFO' });
    assert.equal(classifier.error(info('HTTP/2: "stream error" received - code 2')), 'failure');
    assert.equal(classifier.error(info('servername changed')), 'ignored');
  });

  it('is failure for our attempt and idle timeouts, and ignored for whatever else is ours', () => {
    assert.equal(classifier.error(new TimeoutError('orders', 'attempt', 10)), 'failure');
    assert.equal(classifier.error(failedFetch(new TimeoutError('orders', 'idle', 10))), 'failure');
    assert.equal(classifier.error(new TimeoutError('orders', 'total', 10)), 'ignored');
    assert.equal(classifier.error(new CircuitOpenError('orders', 10, '')), 'ignored');
    assert.equal(classifier.error(failedFetch(new BulkheadFullError('orders', 1, 0))), 'ignored');
  });

  it('is ignored for what is ours even if its code is configured', () => {
    const eager = new Classifier({ ...VERDICT_DEFAULTS, codes: ['ERR_RESILIENCE_CIRCUIT_OPEN'] });
    assert.equal(eager.error(new CircuitOpenError('orders', 10, '')), 'ignored');
  });

  it('is ignored for a client closed from this side, whatever it was closed with', () => {
    for (const code of ['UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UND_ERR_ABORTED']) {
      assert.equal(classifier.error(coded(code, { cause: coded('ECONNRESET') })), 'ignored', code);
    }
  });

  it("is ignored for the caller's abort, whatever reason the caller gave", () => {
    const reason = coded('ECONNRESET');
    const abort = Object.assign(new Error('aborted', { cause: reason }), { name: 'AbortError', code: 'ABORT_ERR' });
    assert.equal(classifier.error(abort), 'ignored');
    assert.equal(classifier.error(new DOMException('gone', 'AbortError')), 'ignored');
    assert.equal(classifier.error(AbortSignal.abort().reason), 'ignored');
    assert.equal(classifier.error(Object.assign(new Error('x', { cause: reason }), { name: 'AbortError' })), 'ignored');
  });

  it('is failure when one of the addresses tried failed', () => {
    const errors = [coded('EACCES'), coded('ECONNREFUSED')];
    assert.equal(classifier.error(new AggregateError(errors)), 'failure');
    assert.equal(classifier.error(failedFetch(new AggregateError(errors))), 'failure');
    assert.equal(classifier.error(new AggregateError([coded('EACCES')])), 'ignored');
  });

  it('is ignored for what is no error', () => {
    for (const value of [undefined, null, 'ECONNREFUSED', 1, {}, { code: 'ECONNREFUSED' }]) {
      assert.equal(classifier.error(value), 'ignored');
    }
  });

  it('knows errors of another realm', () => {
    const foreign: unknown = vm.runInNewContext(`Object.assign(new Error('x'), { code: 'ECONNREFUSED' })`);
    assert.equal(foreign instanceof Error, false);
    assert.equal(classifier.error(foreign), 'failure');
    assert.equal(classifier.neverSent(foreign), true);
  });

  it('looks ten causes deep, and no deeper', () => {
    const nest = (depth: number): Error => {
      let error = coded('ECONNRESET');
      for (let i = 0; i < depth; i++) error = new Error('wrapped', { cause: error });
      return error;
    };
    assert.equal(classifier.error(nest(10)), 'failure');
    assert.equal(classifier.error(nest(11)), 'ignored');
    assert.equal(classifier.neverSent(nest(1_000)), false);
  });

  it('ends on causes and members that go in circles', () => {
    const error = new Error('round') as Error & { cause: unknown };
    error.cause = new Error('and round', { cause: error });
    const members: unknown[] = [];
    const aggregate = new AggregateError(members);
    aggregate.errors.push(...Array.from({ length: 20 }, () => aggregate));
    for (const circular of [error, aggregate]) {
      assert.equal(classifier.error(circular), 'ignored');
      assert.equal(classifier.neverSent(circular), false);
    }
  });

  it('follows the options: codes are added, and ignored ones win', () => {
    const own = new Classifier({
      ...VERDICT_DEFAULTS,
      codes: ['EMFILE', 'EACCES'],
      ignore: { statuses: [], codes: ['ECONNRESET', 'EACCES'] },
    });
    const verdicts = ['EMFILE', 'EACCES', 'ECONNRESET', 'ECONNREFUSED'].map((code) => own.error(coded(code)));
    assert.deepEqual(verdicts, ['failure', 'ignored', 'ignored', 'failure']);
    assert.equal(own.error(failedFetch(coded('ECONNRESET'))), 'ignored');
  });
});

describe('proof that a request was never sent', () => {
  it('is a name that did not resolve, a refused connection, a connection that took too long', () => {
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']) {
      assert.equal(classifier.neverSent(coded(code)), true, code);
      assert.equal(classifier.neverSent(failedFetch(coded(code))), true, code);
    }
  });

  it('is any failure of connect, and not the same code later on', () => {
    for (const code of ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNRESET']) {
      assert.equal(classifier.neverSent(coded(code, { syscall: 'connect' })), true, code);
      assert.equal(classifier.neverSent(coded(code, { syscall: 'read' })), false, code);
      assert.equal(classifier.neverSent(coded(code)), false, code);
    }
  });

  it('is not a broken socket, a timeout of an attempt, a TLS failure or an error nobody knows', () => {
    const codes = ['EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'CERT_HAS_EXPIRED', 'EPROTO', 'SOMETHING_NEW'];
    for (const code of codes) assert.equal(classifier.neverSent(coded(code)), false, code);
    assert.equal(classifier.neverSent(new TimeoutError('orders', 'attempt', 10)), false);
    assert.equal(classifier.neverSent(new Error('socket hang up')), false);
    assert.equal(classifier.neverSent(undefined), false);
  });

  it('must hold for each address that was tried', () => {
    const refused = coded('ECONNREFUSED', { syscall: 'connect' });
    const timedOut = coded('ETIMEDOUT', { syscall: 'connect' });
    const reset = coded('ECONNRESET', { syscall: 'read' });
    assert.equal(classifier.neverSent(failedFetch(new AggregateError([refused, timedOut]))), true);
    assert.equal(
      classifier.neverSent(Object.assign(new AggregateError([refused, reset]), { code: 'ECONNREFUSED' })),
      false,
    );
    assert.equal(classifier.neverSent(new AggregateError([])), false);
  });

  it('is not hidden in the cause of an error that tells of something later', () => {
    assert.equal(classifier.neverSent(Object.assign(coded('ECONNRESET'), { cause: coded('ECONNREFUSED') })), false);
  });
});

describe('errors as Node makes them', () => {
  const failing = (request: http.ClientRequest): Promise<Error> =>
    new Promise((resolve) => request.once('error', resolve));

  async function withServer<T>(onSocket: (socket: net.Socket) => void, use: (port: number) => Promise<T>): Promise<T> {
    const server = net.createServer(onSocket).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      return await use((server.address() as AddressInfo).port);
    } finally {
      server.close();
    }
  }

  async function closedPort(): Promise<number> {
    return withServer(
      () => {},
      async (port) => port,
    );
  }

  it('a refused connection is a failure and was never sent, by http and by fetch', async () => {
    const port = await closedPort();
    const error = await failing(http.get({ host: '127.0.0.1', port }));
    const fetched = await fetch(`http://127.0.0.1:${port}`).catch((reason: unknown) => reason);
    for (const each of [error, fetched]) {
      assert.equal(classifier.error(each), 'failure');
      assert.equal(classifier.neverSent(each), true);
    }
  });

  it('a unix socket that is not there is a failure and was never sent', async () => {
    const error = await failing(http.get({ socketPath: '/nonexistent/orders.sock' }));
    assert.equal(classifier.error(error), 'failure');
    assert.equal(classifier.neverSent(error), true);
  });

  it('a connection closed instead of an answer is a failure and may have been sent', async () => {
    const hangUp = (socket: net.Socket): void => {
      socket.on('error', () => {});
      socket.once('data', () => socket.destroy());
    };
    const errors = await withServer(hangUp, async (port) => [
      await failing(http.get({ host: '127.0.0.1', port })),
      await fetch(`http://127.0.0.1:${port}`).catch((reason: unknown) => reason),
    ]);
    for (const each of errors) {
      assert.equal(classifier.error(each), 'failure');
      assert.equal(classifier.neverSent(each), false);
    }
  });

  it('an answer that is not HTTP, and one that is not TLS, are failures', async () => {
    const babble = (socket: net.Socket): void => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('babble\r\n\r\n'));
    };
    const errors = await withServer(babble, async (port) => [
      await failing(http.get({ host: '127.0.0.1', port })),
      await failing(https.get({ host: '127.0.0.1', port })),
      await fetch(`http://127.0.0.1:${port}`).catch((reason: unknown) => reason),
      await fetch(`https://127.0.0.1:${port}`).catch((reason: unknown) => reason),
    ]);
    assert.deepEqual(
      errors.map((error) => classifier.error(error)),
      ['failure', 'failure', 'failure', 'failure'],
    );
  });

  it('an aborted fetch and a fetch that took the caller too long are ignored', async () => {
    const silent = (socket: net.Socket): void => {
      socket.on('error', () => {});
    };
    const errors = await withServer(silent, async (port) => [
      await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.abort() }).catch((reason: unknown) => reason),
      await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(20) }).catch((reason: unknown) => reason),
    ]);
    assert.deepEqual(
      errors.map((error) => classifier.error(error)),
      ['ignored', 'ignored'],
    );
  });
});
