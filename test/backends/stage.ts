import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'mocha';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Backend, freePorts } from './backend.ts';
import { Jaeger } from './jaeger.ts';
import { Prometheus } from './prometheus.ts';
import { ALERTS, ROOT } from './shipped.ts';

const CONFIG = path.join(ROOT, 'test/backends/config');

/** The real backends, as an app's telemetry meets them: app → Collector → Jaeger, Prometheus and a receiver of ours. */
export interface Stage {
  readonly collector: Backend;
  /** Where apps send OTLP to. */
  readonly collectorUrl: string;
  /** Gets from the Collector all that the Collector got. */
  readonly receiver: OtlpReceiver;
  readonly jaeger: Jaeger;
  readonly prometheus: Prometheus;
}

let stage: Promise<Stage> | undefined;
const endings: (() => unknown)[] = [];

/** Starts the backends the first time, for all tests of the run. */
export function theStage(): Promise<Stage> {
  stage ??= start();
  return stage;
}

/** Has something ended with the run, before what was started before it. */
export function atTheEnd(ending: () => unknown): void {
  endings.unshift(ending);
}

after(async () => {
  for (const ending of endings) await ending();
});

/** Where a program is, as scripts/backends/install.sh said. */
export function program(name: 'JAEGER' | 'COLLECTOR' | 'PROMETHEUS' | 'PROMTOOL'): string {
  const found = process.env[`RESILIENCE_${name}`];
  if (found === undefined) throw new Error(`RESILIENCE_${name} is not set: run \`npm run test:backends\``);
  return found;
}

async function begin(options: Parameters<typeof Backend.start>[0]): Promise<Backend> {
  const backend = await Backend.start(options);
  atTheEnd(() => backend.stop());
  return backend;
}

async function start(): Promise<Stage> {
  const folder = mkdtempSync(path.join(tmpdir(), 'resilience-backends-'));
  atTheEnd(() => rmSync(folder, { recursive: true, force: true }));
  const receiver = await OtlpReceiver.start();
  atTheEnd(() => receiver.close());
  const [jaegerOtlp = 0, jaegerQuery = 0, jaegerGrpc = 0, otlp = 0, metrics = 0, prometheusPort = 0] =
    await freePorts(6);

  const jaeger = begin({
    name: 'Jaeger',
    binary: program('JAEGER'),
    args: ['--config', path.join(CONFIG, 'jaeger.yaml')],
    env: {
      JAEGER_OTLP_PORT: String(jaegerOtlp),
      JAEGER_QUERY_PORT: String(jaegerQuery),
      JAEGER_GRPC_PORT: String(jaegerGrpc),
    },
    readyUrl: `http://127.0.0.1:${jaegerQuery}/api/services`,
  });
  const collector = startCollector({ otlp, metrics, jaegerUrl: `http://127.0.0.1:${jaegerOtlp}`, receiver });
  const prometheus = startPrometheus({ folder, port: prometheusPort, metrics, rules: ALERTS });
  // All of them are awaited even if one fails, so that the others are ended too.
  const results = await Promise.allSettled([jaeger, collector, prometheus]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return {
    collector: await collector,
    collectorUrl: `http://127.0.0.1:${otlp}`,
    receiver,
    jaeger: new Jaeger(`http://127.0.0.1:${jaegerQuery}`),
    prometheus: new Prometheus(`http://127.0.0.1:${prometheusPort}`),
  };
}

/** A Collector that ends with the run. `otlp` and `metrics` are the ports it takes OTLP on and is scraped at. */
export function startCollector(options: {
  readonly otlp: number;
  readonly metrics: number;
  readonly jaegerUrl: string;
  readonly receiver: OtlpReceiver;
}): Promise<Backend> {
  return begin({
    name: 'the Collector',
    binary: program('COLLECTOR'),
    args: ['--config', path.join(CONFIG, 'collector.yaml')],
    env: {
      COLLECTOR_OTLP_PORT: String(options.otlp),
      COLLECTOR_METRICS_PORT: String(options.metrics),
      JAEGER_OTLP_URL: options.jaegerUrl,
      TEST_OTLP_URL: options.receiver.url,
    },
    readyUrl: `http://127.0.0.1:${options.metrics}/metrics`,
  });
}

/** A Prometheus that ends with the run, scrapes the Collector's port `metrics`, and evaluates a file of rules. */
export function startPrometheus(options: {
  readonly folder: string;
  readonly port: number;
  readonly metrics: number;
  readonly rules: string;
}): Promise<Backend> {
  const { folder, port } = options;
  // It reads no environment.
  const file = path.join(folder, 'prometheus.yaml');
  const text = readFileSync(path.join(CONFIG, 'prometheus.yaml'), 'utf8');
  const { metrics, rules } = options;
  writeFileSync(file, text.replace('COLLECTOR_METRICS_PORT', String(metrics)).replace('ALERTS', rules));
  return begin({
    name: 'Prometheus',
    binary: program('PROMETHEUS'),
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${path.join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    cwd: folder,
    readyUrl: `http://127.0.0.1:${port}/-/ready`,
  });
}
