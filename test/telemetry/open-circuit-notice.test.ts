import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { OpenCircuitNotice } from '../../src/telemetry/open-circuit-notice.ts';
import { OPENED, REJECTED } from './harness.ts';

describe('The line about a circuit that opened', () => {
  it('is written once per upstream and minute, and of nothing else', () => {
    let now = 0;
    const lines: string[] = [];
    const notice = new OpenCircuitNotice(
      () => now,
      (line) => lines.push(line),
    );
    const source = { policy: 'default', upstream: 'payments', mode: 'enforce' } as const;
    notice.event(REJECTED, source);
    notice.event(OPENED, source);
    notice.event(OPENED, source);
    notice.event(OPENED, { ...source, upstream: 'users', mode: 'observe' });
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /opened \(failure_ratio\), its calls are refused/);
    assert.match(lines[1] ?? '', /its calls would be refused/);
    now = 60_000;
    notice.event(OPENED, source);
    assert.equal(lines.length, 3);
  });
});
