import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { EventStream } from '../../src/status/event-stream.ts';
import { begin, events } from './requests.ts';

let server: http.Server;
let stream: EventStream;
let url: string;

beforeEach(async () => {
  stream = new EventStream();
  server = http.createServer((_request, response) => stream.add(response, {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const large = { text: 'x'.repeat(1024 * 1024) };

describe('the event stream', () => {
  it('drops a listener who does not read, with little waiting for it', async () => {
    const response = await begin(url);
    const closed = new Promise((resolve) => response.on('error', () => {}).on('close', resolve));
    let sent = 0;
    while (stream.listening && sent < 100) {
      stream.send('sample', large);
      sent++;
      await new Promise(setImmediate);
    }
    assert.ok(sent < 100, 'dropped');
    response.resume();
    await closed;
  });

  it('keeps a listener who reads, however much it is', async () => {
    const received = events(await begin(url));
    await received.next();
    for (let i = 0; i < 20; i++) {
      stream.send('sample', large);
      assert.deepEqual((await received.next()).value, { event: 'sample', data: large });
    }
    assert.ok(stream.listening);
  });

  it('sends heartbeats that are no events', async () => {
    const received = events(await begin(url));
    await received.next();
    stream.heartbeat();
    stream.send('change', { id: 1 });
    assert.deepEqual((await received.next()).value, { event: 'change', data: { id: 1 } });
  });
});
