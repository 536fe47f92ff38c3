import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ATTR, ATTRIBUTES, EVENTS, EXECUTION_SPAN, METRICS } from '../../src/telemetry/names.ts';

const STANDARD = ['server.address', 'server.port', 'http.request.method', 'http.request.resend_count', 'error.type'];

describe('The table of names', () => {
  it('keeps to one namespace, but for what the semantic conventions name, and `request.id`', () => {
    const names = [ATTRIBUTES, EVENTS, METRICS].flatMap((table) => Object.values(table).map(({ name }) => name));
    const foreign = names.filter((name) => !name.startsWith('resilience.'));
    assert.deepEqual(foreign.sort(), [...STANDARD, 'request.id'].sort());
  });

  it('spells names as the semantic conventions do, each once per kind', () => {
    for (const table of [ATTRIBUTES, EVENTS, METRICS]) {
      const names: string[] = Object.values(table).map(({ name }) => name);
      assert.equal(new Set(names).size, names.length);
      for (const name of names) assert.match(name, /^[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+$/);
    }
  });

  it('uses every attribute somewhere', () => {
    const common = ['policyName', 'upstreamName', 'serverAddress', 'serverPort', 'requestMethod', 'mode', 'requestId'];
    const onTables = [...Object.values(EVENTS), ...Object.values(METRICS), EXECUTION_SPAN].flatMap((d) => [
      ...d.attributes,
    ]);
    const unused = Object.keys(ATTRIBUTES).filter((key) => ![...common, ...onTables].includes(key));
    assert.deepEqual(unused, []);
  });

  it('gives attribute names by key', () => {
    assert.equal(ATTR.circuitPreviousState, 'resilience.circuit_breaker.previous_state');
  });
});
