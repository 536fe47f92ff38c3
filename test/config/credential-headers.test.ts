import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { loadConfig } from '../../src/config/load-config.ts';
import { loadEnv, loadFile, policyOf } from './harness.ts';

const FALLBACK = 'policies: { default: {}, users: { fallback: { endpoints: ["http://a.example"], cache: {} } } }';

describe('credential_headers', () => {
  it('reaches every cache and endpoint, from all sources together, in lower case', () => {
    const file = `${FALLBACK}\ncredential_headers: [X-Acme-Who]`;
    const env = { OTEL_RESILIENCE_CREDENTIAL_HEADERS: 'X-From-Env, x-acme-who' };
    const { fallback } = policyOf(loadFile(file, env, { credentialHeaders: ['X-From-Code'] }), 'users');
    const all = new Set(['x-acme-who', 'x-from-env', 'x-from-code']);
    assert.deepEqual(fallback?.cache?.credentialHeaders, all);
    assert.deepEqual(fallback?.endpoints[0]?.credentialHeaders, all);
  });

  it('reaches the default policy from the environment alone', () => {
    const config = loadEnv({ CREDENTIAL_HEADERS: 'x-acme-who', FALLBACK_CACHE: 'true' });
    assert.deepEqual(config.problems, []);
    assert.deepEqual(policyOf(config).fallback?.cache?.credentialHeaders, new Set(['x-acme-who']));
  });

  for (const wrong of ['x-acme-who', '[x acme who]', '[[x]]', '[7]']) {
    it(`switches off what would share or send credentials if it is wrong: ${wrong}`, () => {
      const { problems, policies } = loadFile(`${FALLBACK}\ncredential_headers: ${wrong}`);
      assert.deepEqual([...policies.keys()], ['default']);
      assert.deepEqual(
        problems.map(({ path }) => path),
        ['credential_headers'],
      );
      assert.match(problems[0]?.consequence ?? '', /policy users is off/);
    });
  }

  it('in the environment switches off the same if it is wrong', () => {
    const config = loadEnv({ CREDENTIAL_HEADERS: 'x acme', FALLBACK_CACHE: 'true' });
    assert.equal(config.policies.has('default'), false);
    const code = { policies: { default: { fallback: { cache: true } } }, credentialHeaders: ['x acme'] };
    assert.equal(loadConfig({ env: {}, code }).policies.has('default'), false);
  });
});

describe('fallback.cache.ignore_headers', () => {
  it('is there with the header of request ids, which is another one each time', () => {
    const file = `
request_id_header: X-Our-Id
policies: { default: { fallback: { cache: { ignore_headers: [X-Acme-Trace] } } } }`;
    const { fallback } = policyOf(loadFile(file));
    assert.deepEqual(fallback?.cache?.ignoredHeaders, new Set(['x-acme-trace', 'x-our-id']));
  });
});
