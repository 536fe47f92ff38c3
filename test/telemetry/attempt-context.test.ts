import assert from 'node:assert/strict';
import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { describe, it } from 'mocha';
import { AttemptContext } from '../../src/telemetry/attempt-context.ts';

const KEY = createContextKey('test');

describe('the context an attempt is made in', () => {
  it('is that of our span while it is made, and the caller’s for all that is kept from then on', () => {
    const caller = ROOT_CONTEXT.setValue(KEY, 'caller');
    const making = new AttemptContext(caller.setValue(KEY, 'ours'), caller);
    assert.equal(making.getValue(KEY), 'ours');
    const client = making.setValue(KEY, 'client');
    making.made();
    assert.equal(making.getValue(KEY), 'caller');
    assert.equal(client.getValue(KEY), 'client');
    assert.equal(making.deleteValue(KEY).getValue(KEY), undefined);
  });
});
