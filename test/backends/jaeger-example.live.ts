import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { before, describe, it } from 'mocha';
import { cleanEnv } from '../e2e/app-under-test.ts';
import type { ShownSpan, ShownTrace } from './jaeger.ts';
import { ROOT } from './shipped.ts';
import { type Stage, theStage } from './stage.ts';

const SERVICE = 'shop-example';
/** Of the calls of examples/jaeger/app.cjs: five fail and open the circuit, which refuses four; three probes close it. */
const REFUSED = 4;

/** The text of Jaeger's warning about a child that began before its parent, or ended after it, by a few milliseconds. */
function isSkew(text: string): boolean {
  const deltaMs = Number(/clock skew .* delta of (-?[\d.]+)ms/.exec(text)?.[1] ?? Number.NaN);
  return Math.abs(deltaMs) < 5;
}

describe('The example of Jaeger', function () {
  this.timeout(60_000);
  let stage: Stage;
  let stdout: string;
  let traces: readonly ShownTrace[];

  before(async () => {
    stage = await theStage();
    const env = cleanEnv({
      JAEGER_URL: stage.jaeger.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: stage.collectorUrl,
      OTEL_SERVICE_NAME: SERVICE,
    });
    const example = path.join(ROOT, 'examples/jaeger/run.sh');
    ({ stdout } = await promisify(execFile)('bash', [example], { cwd: ROOT, env, timeout: 50_000 }));
    await stage.jaeger.find({ service: SERVICE, tags: { 'resilience.outcome': 'rejected' } }, REFUSED);
    traces = await stage.jaeger.traces({ service: SERVICE });
  });

  it('finds the outage by three searches, and links to a trace of each', () => {
    for (const what of [
      'the call that opened the circuit: 1',
      'calls that were refused: 4',
      'the call that closed it again: 1',
    ]) {
      assert.ok(stdout.includes(`${what} found`), stdout);
    }
    const links = stdout.match(/^ {2}http:\/\/127\.0\.0\.1:\d+\/\S+$/gm) ?? [];
    assert.equal(links.length, 3);
  });

  it('has a link that shows the trace', async () => {
    const [link = ''] = stdout.match(/http:\/\/\S+\/api\/traces\/\w+|http:\/\/\S+\/trace\/\w+/) ?? [];
    const { ok, headers } = await fetch(link);
    assert.ok(ok, link);
    assert.match(headers.get('content-type') ?? '', /json|html/);
  });

  it('has no span that Jaeger warns of', () => {
    assert.ok(traces.length > REFUSED);
    for (const { spans } of traces) {
      const ours = new Set(spans.filter(({ name }) => name.startsWith('resilience.')).map(({ id }) => id));
      // On a busy machine the SDK's own CLIENT and SERVER spans differ by a millisecond or two: each reads the clock anew.
      const isOurs = ({ id, parent }: ShownSpan): boolean => ours.has(id) || ours.has(parent ?? '');
      const warned = spans.filter((span) => span.warnings.some((text) => isOurs(span) || !isSkew(text)));
      assert.deepEqual(warned, []);
    }
  });

  it('names the upstream and the reason in the row of each refused call', () => {
    const refused = traces
      .flatMap(({ spans }) => spans)
      .filter(({ tags }) => tags['resilience.outcome'] === 'rejected');
    assert.equal(refused.length, REFUSED);
    for (const { tags } of refused) {
      const description = /^circuit of http:\/\/127\.0\.0\.1:\d+ is open \(.*next probe in [\d.]+ s\)$/;
      assert.match(String(tags['otel.status_description']), description);
    }
    const rows = stdout.match(/^ {2}internal resilience\.execute default: circuit of http:\S+ is open .*$/gm) ?? [];
    assert.equal(rows.length, 1);
  });
});
