import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import { Upstream } from '../support/upstream.ts';
import { type Ended, OURS, type RunOptions, runApp } from './run-app.ts';

/** A busy machine takes its time to start Node twice. */
const TIMEOUT_MS = 60_000;

let upstream: Upstream;
before(async () => {
  upstream = await Upstream.start();
});
after(() => upstream.close());
beforeEach(() => {
  upstream.status = 200;
});

/** Only which frames of ours a stack has may differ from what Node says without us. */
function withoutFrames({ code, signal, stdout, stderr }: Ended): Ended {
  const lines = stderr.split('\n').filter((line) => !/^\s+at /.test(line));
  return { code, signal, stdout, stderr: lines.join('\n') };
}

async function manners(scenario: string, options: RunOptions = {}): Promise<Ended> {
  return withoutFrames(await runApp('manners.cjs', { ...options, args: [scenario, upstream.url] }));
}

describe('an app under register', function () {
  this.timeout(TIMEOUT_MS);

  for (const scenario of [
    'idle',
    'calls',
    'exit code',
    'process.exit',
    'response callback throws',
    "'data' handler throws",
    "'end' handler throws",
    "'error' handler throws",
    "'error' unheard",
    'fetch unheard',
    'thrown and caught globally',
    'misused',
  ]) {
    it(`ends as without it, with nothing more to hold it: ${scenario}`, async () => {
      const [bare, covered] = await Promise.all([manners(scenario, { preloads: [] }), manners(scenario)]);
      assert.deepEqual(covered, bare);
      assert.match(bare.stdout, /^exit \d/m);
    });
  }

  const env = { OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '1' };

  it('dies of a rejection that nobody hears, as Node has it', async () => {
    upstream.status = 503;
    const { code, stderr } = await manners('rejected, unheard', { env });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /throw er; \/\/ Unhandled 'error' event\n +\^\n\nCircuitOpenError: circuit of http:.* is open/,
    );
    assert.match(stderr, /^Emitted 'error' event on ClientRequest instance at:/m);
    assert.match(stderr, /code: 'ERR_RESILIENCE_CIRCUIT_OPEN'/);
  });

  it('dies of a rejected fetch that nobody awaits, as Node has it', async () => {
    upstream.status = 503;
    const { code, stderr } = await manners('rejected fetch, unheard', { env });
    assert.equal(code, 1);
    assert.match(stderr, /^\[?TypeError: fetch failed[\s\S]*\[cause\]: CircuitOpenError: circuit of/m);
  });

  it('dies of what its own handler throws at a rejection', async () => {
    upstream.status = 503;
    const { code, stderr } = await manners('rejected, its handler throws', { env });
    assert.equal(code, 1);
    assert.match(stderr, /^Error: of the app, on ERR_RESILIENCE_CIRCUIT_OPEN$/m);
    assert.doesNotMatch(stderr, /internal error/);
  });
});

interface Surface {
  readonly keys: unknown;
  readonly globals: readonly string[];
  readonly symbols: readonly string[];
  readonly functions: unknown;
  readonly source: Record<string, string>;
  readonly resources: readonly string[];
  readonly listeners: readonly string[];
}

async function surface(preloads: readonly string[], env: Record<string, string> = {}): Promise<Surface> {
  const { stdout, stderr } = await runApp('surface.cjs', { preloads, env });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as Surface;
}

describe('what an app can see of us', function () {
  this.timeout(TIMEOUT_MS);
  let bare: Surface;
  before(async () => {
    bare = await surface([]);
  });

  it('is functions like the native ones, one global symbol, and nothing that runs', async () => {
    const { source, symbols, ...seen } = await surface(OURS);
    const { source: nativeSource, symbols: nativeSymbols, ...native } = bare;
    assert.deepEqual(seen, native);
    assert.deepEqual(
      symbols.filter((symbol) => !nativeSymbols.includes(symbol)),
      ['Symbol(opentelemetry-instrumentation-resilience)'],
    );
    assert.notDeepEqual(source, nativeSource);
  });

  it('is nothing at all with OTEL_RESILIENCE_ENABLED=false', async () => {
    const env = { OTEL_RESILIENCE_ENABLED: 'false' };
    assert.deepEqual(await surface(OURS, env), bare);
    // Importing as such leaves a listener of Node's own behind.
    const importing = await surface(['--import', 'data:text/javascript,']);
    assert.deepEqual(await surface(['--import', OURS[1] as string], env), importing);
  });
});
