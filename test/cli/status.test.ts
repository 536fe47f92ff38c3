import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'mocha';
import { run } from '../../src/cli/run.ts';
import { readAddress } from '../../src/cli/status-client.ts';
import { buildStages } from '../../src/engine/build-pipeline.ts';
import { createResilience } from '../../src/resilience.ts';
import { type StatusPage, serveStatus } from '../../src/status/serve.ts';
import { engineHarness } from '../support/engine-harness.ts';
import { FakeTerminal, runCommand } from './fake-terminal.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);

/** As the status page of version 2 answers, less the histories. */
const DOCUMENT = {
  version: 2,
  process: { pid: 42, threadId: 0, node: 'v22.1.0', packageVersion: '0.1.0', startedAt: AT - 65_000 },
  at: AT,
  upstreams: [
    {
      policy: 'users',
      upstream: 'user-service',
      mode: 'enforce',
      circuits: [
        {
          name: 'user-service',
          state: 'open',
          failureRatio: 0.75,
          counted: 20,
          failures: 15,
          retryAfterMs: 7_400,
          sinceMs: 2_000,
          outageMs: 3_000,
          rejectedInOutage: 1_692,
        },
        {
          name: 'user-service/backup:443',
          state: 'closed',
          failureRatio: 0,
          counted: 30,
          failures: 0,
          retryAfterMs: 0,
        },
      ],
      errorRatio: 0.6,
      unhealthy: true,
      results: { success: 100, failure: 20, rejected: 3, fallback: 7 },
      latency: { p50Ms: 10, p95Ms: 123.4, count: 50 },
      rejections: { circuit_open: 3, bulkhead_full: 1 },
      retries: { status_503: 5 },
      fallbacks: { endpoint: 4, cache: 3 },
      bulkhead: null,
      retryBudget: 3,
    },
    {
      policy: 'default',
      upstream: `http://${'long.'.repeat(20)}example`,
      mode: 'observe',
      circuits: [],
      errorRatio: null,
    },
  ],
  omittedUpstreams: 2,
  changes: [
    {
      id: 1,
      at: AT - 3_000,
      type: 'circuit',
      name: 'user-service',
      state: 'open',
      previousState: 'closed',
      reason: 'failure_ratio',
      traceId: '0af7651916cd43dd8448eb211c80319c',
    },
  ],
};

describe('otel-resilience status', () => {
  let server: http.Server;
  let address: string;
  let answer: { status: number; body: string };
  let asked: string[];

  before(async () => {
    server = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server.close();
    await once(server, 'close');
  });
  beforeEach(() => {
    asked = [];
    answer = { status: 200, body: JSON.stringify(DOCUMENT) };
  });

  it('shows the upstreams, their circuits and what changed', async () => {
    const { code, stdout, stderr, longestLine } = await runCommand(['status', address]);
    assert.deepEqual([code, stderr, asked], [0, '', ['GET /status']]);
    assert.match(stdout, new RegExp(`^${address}  pid 42  node v22\\.1\\.0  up 1m 5s\n`));
    assert.match(stdout, /^user-service \(users\) +open +60 % +130 +4 +5 +7 +123 ms$/m);
    assert.match(stdout, /^\+ \/backup:443 +closed +0 %$/m);
    assert.match(stdout.replaceAll('\n', ' '), /example \(observe\)|\(observe\)/);
    assert.match(stdout, /^and 2 more upstreams/m);
    assert.match(stdout, /^03:04:02 +user-service +opened: too many of the attempts failed +0af76519$/m);
    assert.match(stdout, /^1 of 2 upstreams open: user-service\nsince 03:04:02, 1,692 refused, next probe in 8 s$/m);
    assert.ok(longestLine <= 100, `${longestLine}`);
  });

  it('tells what observe mode would have refused as no outage, and no column of zeros', async () => {
    const [upstream] = DOCUMENT.upstreams;
    const observed = { ...upstream, mode: 'observe', retries: {}, fallbacks: {} };
    answer = { status: 200, body: JSON.stringify({ ...DOCUMENT, upstreams: [observed] }) };
    const { stdout } = await runCommand(['status', address]);
    assert.match(stdout, /^Observe mode: 1 of 1 upstreams would be open: user-service$/m);
    assert.match(stdout, /1,692 would have been refused$/m);
    assert.match(stdout, /^user-service \(users, observe\) +would be open/m);
    assert.match(stdout, /^upstream +circuit +error ratio +calls +rejections +p95$/m);
  });

  it('shows the limit of now where it adapts, and what admission refuses', async () => {
    const [upstream] = DOCUMENT.upstreams;
    const overloaded = {
      ...upstream,
      upstream: 'search',
      policy: 'default',
      retries: {},
      fallbacks: {},
      admission: { probability: 0.25 },
      bulkhead: { executing: 3, queued: 0, maxConcurrent: 12, maxQueue: 0, adaptive: { min: 5, max: 1000 } },
    };
    answer = { status: 200, body: JSON.stringify({ ...DOCUMENT, upstreams: [overloaded] }) };
    const { stdout } = await runCommand(['status', address]);
    assert.match(stdout, /^upstream +circuit +error ratio +calls +rejections +limit +refusing +p95$/m);
    assert.match(stdout, /^search +open +60 % +130 +4 +12 +25 % +123 ms$/m);
  });

  it('gives the JSON of the status page', async () => {
    const { code, stdout } = await runCommand(['status', address, '--json']);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), DOCUMENT);
  });

  it('asks the address of OTEL_RESILIENCE_STATUS when none is given', async () => {
    assert.equal((await runCommand(['status'], { OTEL_RESILIENCE_STATUS: address })).code, 0);
    assert.deepEqual(asked, ['GET /status']);
  });

  it('shows the token of the environment, and asks for one that is wanted', async () => {
    let shown: string | undefined;
    server.once('request', ({ headers }) => {
      shown = headers.authorization;
    });
    await runCommand(['status', address], { OTEL_RESILIENCE_STATUS_TOKEN: 'sesame' });
    assert.equal(shown, 'Bearer sesame');
    answer = { status: 401, body: '' };
    const { code, stderr } = await runCommand(['status', address]);
    assert.equal(code, 1);
    assert.match(stderr.replaceAll('\n', ' '), /wants a token: expected the app's one in OTEL_RESILIENCE_STATUS_TOKEN/);
  });

  it('shows what the real status page says', async () => {
    const harness = engineHarness({ buildStages });
    harness.pipeline();
    let page: StatusPage | undefined;
    const url = await new Promise<string>((resolve) => {
      const report = (line: string): void => resolve(/http:\S+/.exec(line)?.[0] ?? line);
      const resilience = createResilience(() => harness.engine);
      page = serveStatus({ address: '127.0.0.1:0', token: undefined, resilience, report });
    });
    try {
      const { code, stdout, stderr } = await runCommand(['status', url]);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^127\.0\.0\.1:\d+ {2}pid \d+ {2}node v/);
      assert.match(stdout, /^http:\/\/upstream\.test +closed +/m);
    } finally {
      page?.close();
    }
  });

  it('understands the ways an address is written', () => {
    const read = (given: string | undefined, variable?: string) => readAddress(given, variable).text;
    assert.equal(read(undefined), '127.0.0.1:9990');
    assert.equal(read(undefined, ' '), '127.0.0.1:9990');
    assert.equal(read('9991'), '127.0.0.1:9991');
    assert.equal(read(':9991'), '127.0.0.1:9991');
    assert.equal(read('localhost:9991', '127.0.0.1:1'), 'localhost:9991');
    assert.equal(read('http://127.0.0.1:9991/'), '127.0.0.1:9991');
    assert.equal(read('http://127.0.0.1:9991/status'), '127.0.0.1:9991');
    assert.equal(read(undefined, '0.0.0.0:9991'), '127.0.0.1:9991');
    assert.deepEqual(readAddress('[::1]:9991', undefined), { text: '[::1]:9991', host: '::1', port: 9991 });
    for (const wrong of ['host', 'user@host:1', 'https://a:1', '[::1]', 'a:b', ':0']) {
      assert.throws(() => read(wrong), /expected host:port/, wrong);
    }
  });

  it('says so when no call has been made', async () => {
    answer = { status: 200, body: JSON.stringify({ ...DOCUMENT, upstreams: [], omittedUpstreams: 0, changes: [] }) };
    assert.match((await runCommand(['status', address])).stdout, /No upstream has been called yet/);
  });

  it('shows what it can of the answer of another version', async () => {
    const odd = {
      upstreams: [{ upstream: 'a', circuits: [{ state: 'new_state' }], errorRatio: 'high', results: 5 }, null, 7],
    };
    answer = { status: 200, body: JSON.stringify(odd) };
    const { code, stdout } = await runCommand(['status', address]);
    assert.equal(code, 0);
    assert.match(stdout, /^a +new state +- +-/m);
  });

  it('shows no control characters of an answer', async () => {
    const hostile = { upstreams: [{ upstream: '\u001b[2Jx\nforged', circuits: [] }] };
    answer = { status: 200, body: JSON.stringify(hostile) };
    const { stdout } = await runCommand(['status', address]);
    assert.ok(!stdout.includes('\u001b') && !/^forged/m.test(stdout), JSON.stringify(stdout));
  });

  const others: ReadonlyArray<readonly [status: number, body: string, says: RegExp]> = [
    [404, 'nothing', /answered 404: expected the JSON of a status page/],
    [200, '<html>', /answered something else than the JSON/],
    [200, '{}', /has no list of upstreams/],
    [200, 'null', /has no list of upstreams/],
  ];
  for (const [status, body, says] of others) {
    it(`exits with 1 when something else answers there: ${status} ${body}`, async () => {
      answer = { status, body };
      const { code, stdout, stderr } = await runCommand(['status', address]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr.replaceAll('\n', ' '), says);
    });
  }

  it('exits with 1 when nothing answers there, and says what would', async () => {
    const gone = http.createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, 'close');
    const { code, stderr } = await runCommand(['status', `127.0.0.1:${port}`]);
    assert.equal(code, 1);
    assert.match(stderr, /ECONNREFUSED/);
    assert.match(stderr.replaceAll('\n', ' '), new RegExp(`with OTEL_RESILIENCE_STATUS=127\\.0\\.0\\.1:${port}\\?`));
  });

  it('watches until it is interrupted: one JSON object per line, or one screen over the other', async () => {
    for (const [args, interactive] of [
      [['--json'], false],
      [[], true],
    ] as const) {
      asked = [];
      const terminal = new FakeTerminal({ interactive });
      terminal.onWrite = () => {
        if (asked.length === 2) terminal.controller.abort();
      };
      assert.equal(await run(['status', address, '--watch', ...args], terminal), 0);
      assert.equal(asked.length, 2);
      if (interactive) {
        assert.equal(terminal.stdout.split('\u001b[H').length - 1, 2);
        assert.ok(terminal.stdout.includes('\u001b[31mopen\u001b[39m'));
      } else {
        const lines = terminal.stdout.trimEnd().split('\n');
        assert.deepEqual(
          lines.map((line) => JSON.parse(line)),
          [DOCUMENT, DOCUMENT],
        );
      }
    }
  });
});
