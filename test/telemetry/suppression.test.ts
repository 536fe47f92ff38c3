import assert from 'node:assert/strict';
import { context } from '@opentelemetry/api';
import { core } from '@opentelemetry/sdk-node';
import { describe, it } from 'mocha';
import { bypass } from '../../src/telemetry/suppression.ts';
import { InMemorySdk } from './harness.ts';

describe('bypass', () => {
  it('is true exactly where tracing is suppressed, as exporters do', async () => {
    const sdk = new InMemorySdk();
    const suppressed = core.suppressTracing(context.active());
    assert.equal(bypass(), false);
    assert.equal(context.with(suppressed, bypass), true);
    assert.equal(context.with(core.unsuppressTracing(suppressed), bypass), false);
    await sdk.stop();
    assert.equal(bypass(), false);
  });
});
