import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { afterEach, describe, it } from 'mocha';
import { currentRequestId, watchIncomingRequestIds, withRequestContext } from '../../src/telemetry/request-context.ts';
import { InMemorySdk, OPENED, REJECTED, ScriptedCall } from './harness.ts';

describe('Request id', () => {
  let sdk: InMemorySdk | undefined;

  afterEach(async () => {
    await sdk?.stop();
    sdk = undefined;
  });

  it('is known in what the function starts, without an SDK', async () => {
    const seen = await withRequestContext('r-1', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return currentRequestId();
    });
    assert.equal(seen, 'r-1');
    assert.equal(currentRequestId(), undefined);
  });

  it('is on the span, its events and the log of a call made in it', () => {
    sdk = new InMemorySdk();
    const call = new ScriptedCall();
    withRequestContext('r-2', () => sdk?.listener.callStarted(call));
    sdk.listener.event(OPENED, call, call);
    sdk.listener.callEnded(call, 1);
    const [span] = sdk.finished();
    assert.equal(span?.attributes['request.id'], 'r-2');
    assert.equal(span?.events[0]?.attributes?.['request.id'], 'r-2');
    assert.equal(sdk.logRecords.getFinishedLogRecords()[0]?.attributes['request.id'], 'r-2');
  });

  it('goes along with a context that was saved, where the async flow is lost', () => {
    sdk = new InMemorySdk();
    const saved = withRequestContext('r-3', () => context.active());
    const call = new ScriptedCall();
    context.with(saved, () => sdk?.listener.callStarted(call));
    sdk.listener.event(REJECTED, call, call);
    sdk.listener.callEnded(call, 1);
    assert.equal(sdk.finished()[0]?.attributes['request.id'], 'r-3');
  });

  it('is taken from the header that the server span has captured', () => {
    sdk = new InMemorySdk();
    const attributes = { 'http.request.header.x-request-id': ['r-4'] };
    const server = sdk.tracer.startSpan('GET /', { kind: SpanKind.SERVER, attributes });
    const call = new ScriptedCall();
    context.with(trace.setSpan(context.active(), server), () => sdk?.listener.callStarted(call));
    sdk.listener.event(REJECTED, call, call);
    sdk.listener.callEnded(call, 1);
    assert.equal(sdk.finished()[0]?.attributes['request.id'], 'r-4');
  });

  it('is what the app tells the upstream, if nothing nearer is known', () => {
    sdk = new InMemorySdk();
    for (const task of [(run: () => void) => run(), (run: () => void) => withRequestContext('r-6', run)]) {
      const call = new ScriptedCall({ appHeaders: { 'x-request-id': 'r-5' } });
      task(() => sdk?.listener.callStarted(call));
      sdk.listener.event(REJECTED, call, call);
      sdk.listener.callEnded(call, 1);
    }
    assert.deepEqual(
      sdk.finished().map(({ attributes }) => attributes['request.id']),
      ['r-5', 'r-6'],
    );
  });

  it('is taken from incoming requests on demand, and never left over for the next on the connection', async () => {
    const stop = watchIncomingRequestIds();
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => {
        setImmediate(() => response.end(String(currentRequestId())));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (headers: Record<string, string>) => {
      const { port } = server.address() as AddressInfo;
      const [response] = await once(http.get({ port, host: '127.0.0.1', agent, headers }), 'response');
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    try {
      assert.equal(await ask({ 'X-Request-Id': 'a' }), 'a');
      assert.equal(await ask({}), 'undefined');
      assert.deepEqual(await Promise.all([ask({ 'x-request-id': 'b' }), ask({ 'x-request-id': 'c' })]), ['b', 'c']);
      stop();
      assert.equal((await ask({ 'x-request-id': 'd' })) === 'd', false);
    } finally {
      stop();
      agent.destroy();
      server.close();
    }
    assert.equal(currentRequestId(), undefined);
  });
});
