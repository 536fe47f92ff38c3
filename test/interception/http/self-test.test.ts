import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'mocha';
import { missingInternals } from '../../../src/interception/http/node-internals/self-test.ts';

describe('the self-test of the http adapter', () => {
  const hollow = (): http.ClientRequest => {
    const agent = Object.assign(new http.Agent(), { addRequest: () => {} });
    return new http.ClientRequest({ agent } as never);
  };

  it('finds everything in place on this version of Node', () => {
    assert.deepEqual(missingInternals(hollow()), []);
  });

  it('names what has changed', () => {
    const request = hollow() as unknown as Record<string, unknown>;
    request.outputSize = undefined;
    request._ended = 0;
    assert.deepEqual(missingInternals(request), ['_ended', 'outputSize']);
  });
});
