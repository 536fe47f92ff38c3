import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { yieldRegistry } from '../../src/bootstrap/provisional-registry.ts';
import { API_REGISTRY_KEY } from '../../src/telemetry/api-registry.ts';

type Registry = Record<string, unknown>;
interface Api {
  /** What the copy has to complain about; undefined: it has registered. */
  register(type: string, instance: unknown, replacing?: boolean): string | undefined;
  read(type: string): unknown;
  unregister(type: string): void;
  /** Whether there was a logger to warn of. */
  setLogger(logger: unknown): boolean;
}

/** What every copy of the API does with the registry, of a version of its own. */
const COPY = `
const key = Symbol.for('opentelemetry.js.api.1');
exports.register = (type, instance, replacing) => {
  const api = (globalThis[key] = globalThis[key] ?? { version: VERSION });
  if (!replacing && api[type]) return 'duplicate';
  if (api.version !== VERSION) return 'version ' + api.version;
  api[type] = instance;
};
exports.read = (type) => globalThis[key]?.version && globalThis[key]?.[type];
exports.unregister = (type) => { delete globalThis[key][type]; };
exports.setLogger = function setLogger(logger) {
  const old = exports.read('diag');
  exports.register('diag', logger, true);
  return old !== undefined;
};
`;

describe('The registry that our SDK leaves open', () => {
  const globals = globalThis as unknown as Record<symbol, Registry | undefined>;
  const OURS = { trace: 'our spans', metrics: 'our metrics', context: 'our contexts', diag: 'our logger' };
  let folder: string;
  let original: Registry | undefined;
  let taken: number;
  let same: Api;
  let other: Api;

  /** A copy of the API as it lies in some package of the app. */
  function copy(version: string): Api {
    const home = path.join(folder, version, 'node_modules/@opentelemetry/api');
    mkdirSync(path.join(home, 'build/src'), { recursive: true });
    writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name: '@opentelemetry/api', version }));
    writeFileSync(path.join(home, 'build/src/index.js'), COPY.replaceAll('VERSION', `'${version}'`));
    return require(path.join(home, 'build/src/index.js')) as Api;
  }

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-api-'));
    same = copy('1.9.1');
    other = copy('1.10.7');
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    original = globals[API_REGISTRY_KEY];
    taken = 0;
    Object.defineProperty(globalThis, API_REGISTRY_KEY, {
      value: { version: '1.9.1', ...OURS },
      configurable: true,
      writable: true,
    });
    yieldRegistry(() => {
      taken += 1;
    });
  });
  afterEach(() => {
    Object.defineProperty(globalThis, API_REGISTRY_KEY, { value: original, configurable: true, writable: true });
  });

  it('shows ours to whoever reads', () => {
    for (const [type, instance] of Object.entries(OURS)) assert.equal(same.read(type), instance);
    assert.equal(taken, 0);
  });

  for (const [what, api] of Object.entries({ same: () => same, other: () => other })) {
    it(`takes the registration of an SDK by a copy of the ${what} version, and of all its parts`, () => {
      for (const type of ['trace', 'metrics', 'context', 'propagation', 'logs']) {
        assert.equal(api().register(type, `the app's ${type}`), undefined);
        assert.equal(taken, 1, type);
      }
      for (const type of ['trace', 'metrics', 'context', 'propagation', 'logs']) {
        assert.equal(api().read(type), `the app's ${type}`);
      }
    });

    it(`refuses a second one as the API does, by a copy of the ${what} version`, () => {
      assert.equal(api().register('trace', 'first'), undefined);
      assert.equal(api().register('trace', 'second'), 'duplicate');
      assert.equal(api().read('trace'), 'first');
    });

    it(`takes a propagator or logs alone and keeps the rest ours, by a copy of the ${what} version`, () => {
      for (const type of ['propagation', 'logs']) assert.equal(api().register(type, 'single'), undefined);
      assert.deepEqual([taken, api().read('propagation'), api().read('logs')], [0, 'single', 'single']);
      assert.equal(api().read('trace'), 'our spans');
    });

    it(`lets a logger be set without a warning, once, by a copy of the ${what} version`, () => {
      assert.equal(api().setLogger('first'), false);
      assert.deepEqual([api().read('diag'), taken], ['first', 0]);
      assert.equal(api().setLogger('second'), true);
    });
  }

  it('refuses a copy of yet another version once an SDK of the app has registered', () => {
    assert.equal(other.register('trace', 'first'), undefined);
    assert.equal(same.register('metrics', 'second'), 'version 1.10.7');
  });

  it('lets a place be emptied and taken', () => {
    same.unregister('trace');
    assert.equal(same.read('trace'), undefined);
    assert.equal(other.register('trace', 'the app’s'), undefined);
    assert.deepEqual([same.read('trace'), taken], ['the app’s', 1]);
  });

  it('is gone when somebody puts another in its place', () => {
    const theirs = { version: '1.9.1' };
    globals[API_REGISTRY_KEY] = theirs;
    assert.deepEqual([globals[API_REGISTRY_KEY], taken], [theirs, 1]);
  });
});
