import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { FIXTURES } from './app-under-test.ts';
import { runApp } from './run-app.ts';

/** The SDK reads the start of a span from a clock of whole milliseconds, its length from another one. */
const A_MOMENT_NS = 1_000_000_000n;

/** Ends every request in the way that the last part of its path names. */
function behave(request: IncomingMessage, response: ServerResponse, seen: Set<string>): void {
  const url = request.url ?? '';
  const [way = ''] = url.slice(url.lastIndexOf('/') + 1).split('?');
  switch (way) {
    case 'down':
      return void response.writeHead(503).end('down');
    case 'flaky':
      response.writeHead(seen.has(url) ? 200 : 503).end('flaky');
      return void seen.add(url);
    case 'reset':
      return void request.socket.destroy();
    case 'cut':
      response.writeHead(200, { 'content-length': 100 }).write('half');
      return void setImmediate(() => request.socket.destroy());
    case 'slow-body':
      response.writeHead(200).write('first');
      return void setTimeout(() => response.end('last'), 20);
    case 'hang':
      return;
    default:
      return void response.end('ok');
  }
}

describe('The spans of calls, however they end', function () {
  this.timeout(60_000);
  let receiver: OtlpReceiver;
  let server: http.Server;
  let folder: string;

  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
    const seen = new Set<string>();
    server = http.createServer((request, response) => behave(request, response, seen)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-spans-'));
  });
  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await receiver.close();
    rmSync(folder, { recursive: true });
  });

  async function run(args: readonly string[]): Promise<void> {
    const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = path.join(folder, 'outcomes.yaml');
    const text = readFileSync(path.join(FIXTURES, 'outcomes.yaml'), 'utf8');
    writeFileSync(config, text.replaceAll('{upstream}', upstream));
    const env = { ...receiver.env, OTEL_NODE_RESOURCE_DETECTORS: 'none', OTEL_RESILIENCE_CONFIG_FILE: config };
    const { code, stdout, stderr } = await runApp('outcomes.cjs', { args: [`http://${upstream}`, ...args], env });
    assert.deepEqual([code, stderr], [0, '']);
    for (const outcome of ['503', '200', '203', 'CIRCUIT_OPEN', 'ERR_RESILIENCE_TIMEOUT']) {
      assert.ok(stdout.includes(outcome), `${outcome} in ${stdout}`);
    }
  }

  /**
   * What is wrong with the place of a span in its trace. Ours is never within that of an attempt, which is shorter than the
   * call.
   */
  function faults(span: ReceivedSpan): string[] {
    if (span.end < span.start) return ['ends before it starts'];
    if (span.parentSpanId === undefined) return [];
    const parent = receiver.spans.find(({ spanId }) => spanId === span.parentSpanId);
    if (parent === undefined) return ['has a parent that nobody has seen'];
    if (parent.kind === 'CLIENT') return ['is the child of an attempt'];
    const early = parent.start - span.start;
    const late = span.end - parent.end;
    return [
      ...(early > 0n ? [`starts ${early} ns before its parent`] : []),
      // Ours is over with the body, which the app may be done with a moment earlier.
      ...(late > A_MOMENT_NS && span.kind !== 'CLIENT' ? [`ends ${late} ns after its parent`] : []),
    ];
  }

  for (const [what, args] of Object.entries({ 'in a span of the app': ['span'], 'without one': [] })) {
    it(`lie within what called them, and every parent is told of, ${what}`, async () => {
      await run(args);
      const wrong = receiver.spans.flatMap((span) =>
        faults(span).map(
          (fault) =>
            `${span.kind} ${span.name} ${JSON.stringify(span.attributes['url.full'] ?? span.attributes['resilience.outcome'])}: ${fault}`,
        ),
      );
      assert.deepEqual(wrong, []);
    });
  }
});
