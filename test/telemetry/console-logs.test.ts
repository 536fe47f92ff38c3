import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { ConsoleLogs } from '../../src/telemetry/console-logs.ts';
import { recordOf } from '../../src/telemetry/event-record.ts';
import { runFixture, startFixture } from './child.ts';
import { OPENED, REJECTED, ScriptedCall } from './harness.ts';

const SPAN = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

function recordFor(event: typeof OPENED | typeof REJECTED) {
  const call = new ScriptedCall();
  const record = recordOf(event, call, call, 'req-1');
  assert.ok(record);
  return record;
}

function droppedIn(line: Record<string, unknown> | undefined): unknown {
  return (line?.attributes as Record<string, unknown> | undefined)?.dropped;
}

describe('JSON log', () => {
  let clock: sinon.SinonFakeTimers;
  let lines: Record<string, unknown>[];
  let logs: ConsoleLogs;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
    lines = [];
    logs = new ConsoleLogs((line) => {
      lines.push(JSON.parse(line));
      return true;
    });
  });
  afterEach(() => {
    clock.restore();
  });

  it('is one object per event, with the documented keys', () => {
    logs.emit(recordFor(OPENED), 'users', SPAN, 'req-1');
    const [{ attributes, ...rest } = {}] = lines;
    assert.deepEqual(rest, {
      timestamp: '2026-01-02T00:00:00.000Z',
      severity: 'WARN',
      event: 'resilience.circuit_breaker.state_change',
      message: 'circuit breaker http://users.test:8080: closed -> open (failure_ratio)',
      trace_id: SPAN.traceId,
      span_id: SPAN.spanId,
      request_id: 'req-1',
    });
    assert.equal((attributes as Record<string, unknown>)['resilience.circuit_breaker.failure_ratio'], 0.6);
  });

  it('leaves out ids that are not known', () => {
    logs.emit(recordFor(OPENED), 'users', undefined, undefined);
    assert.deepEqual(Object.keys(lines[0] ?? {}), ['timestamp', 'severity', 'event', 'message', 'attributes']);
  });

  it('writes a bounded number of lines about calls to an upstream per second, then how many there were more', () => {
    for (let i = 0; i < 10_000; i++) logs.emit(recordFor(REJECTED), 'users', undefined, undefined);
    assert.equal(lines.length, 10);
    clock.tick(1_000);
    assert.equal(lines.length, 11);
    assert.equal(lines[10]?.event, 'resilience.log.dropped');
    assert.equal(droppedIn(lines[10]), 9_990);
    logs.emit(recordFor(REJECTED), 'users', undefined, undefined);
    assert.equal(lines.length, 12);
  });

  it('counts each upstream for itself, and never drops a change of state', () => {
    for (let i = 0; i < 50; i++) logs.emit(recordFor(REJECTED), 'users', undefined, undefined);
    logs.emit(recordFor(REJECTED), 'orders', undefined, undefined);
    logs.emit(recordFor(OPENED), 'users', undefined, undefined);
    assert.equal(lines.length, 12);
    assert.equal(lines[11]?.event, 'resilience.circuit_breaker.state_change');
  });

  it('bounds the lines of ever new upstreams too', () => {
    for (let i = 0; i < 10_000; i++) logs.emit(recordFor(REJECTED), `http://u${i}.test`, undefined, undefined);
    assert.ok(lines.length <= 200 + 10, `${lines.length}`);
  });

  it('says what it still owes when closed, and leaves no timer', () => {
    for (let i = 0; i < 12; i++) logs.emit(recordFor(REJECTED), 'users', undefined, undefined);
    logs.close();
    assert.equal(droppedIn(lines.at(-1)), 2);
    assert.equal(clock.countTimers(), 0);
  });

  it('counts what could not be written', () => {
    let open = false;
    const written: string[] = [];
    const blocked = new ConsoleLogs((line) => {
      if (open) written.push(line);
      return open;
    });
    blocked.emit(recordFor(OPENED), 'users', undefined, undefined);
    open = true;
    clock.tick(1_000);
    assert.match(written[0] ?? '', /resilience\.log\.dropped/);
  });
});

describe('JSON log on stderr', function () {
  this.timeout(60_000);

  it('goes to stderr only, one parsable line each, and does not hold the process', async () => {
    const { code, stdout, stderr } = await runFixture('json-log', ['3']);
    assert.equal(code, 0);
    assert.equal(stdout, '');
    const lines = stderr.trim().split('\n');
    assert.equal(lines.length, 3);
    for (const line of lines) assert.equal(JSON.parse(line).event, 'resilience.circuit_breaker.state_change');
  });

  it('survives a closed stderr', async () => {
    const child = startFixture('json-log', ['50', 'wait']);
    child.stderr?.destroy();
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  });

  it('drops lines that nobody reads instead of keeping them', async () => {
    const child = startFixture('json-log', ['20000', 'report']);
    let reported = '';
    child.stdout?.on('data', (chunk) => {
      reported += chunk;
    });
    await once(child.stdout ?? child, 'end');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(Number(reported) > 0, `the pipe never filled: ${reported}`);
    assert.ok(Number(reported) < 2 * 1024 * 1024, `${reported} bytes pending`);
  });
});
