import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child, track } from './children.ts';
import type { WorkerReply, WorkerSetup } from './protocol.ts';
import { REGISTER } from './variants.ts';

/** What a call takes, one at a time over a kept connection: in the process, or through a proxy beside it. */
export interface Path {
  readonly name: string;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface SidecarOptions {
  /** The program, `envoy`. */
  readonly program: string;
  readonly upstream: URL;
  readonly proxyPort: number;
  readonly totalMs: number;
  readonly sliceMs: number;
}

const STARTING_MS = 20_000;

/** The breaker inside the process beside one in a sidecar on the same path. Undefined: there is no Envoy on this machine. */
export async function measureSidecar(options: SidecarOptions): Promise<Path[] | undefined> {
  const { upstream, proxyPort, sliceMs, totalMs } = options;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-bench-envoy-'));
  const file = path.join(folder, 'envoy.json');
  writeFileSync(file, JSON.stringify(configurationOf(upstream, proxyPort)));
  const envoy = track(
    spawn(
      options.program,
      ['--config-path', file, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'],
      {
        stdio: 'ignore',
      },
    ),
  );
  const missing = new Promise<'missing'>((resolve) => envoy.once('error', () => resolve('missing')));
  const through = `http://127.0.0.1:${proxyPort}/`;
  const paths = [
    { name: 'bare', url: upstream.href, preload: false },
    { name: 'ours, telemetry off', url: upstream.href, preload: true },
    { name: 'bare, Envoy as a sidecar', url: through, preload: false },
  ];
  const children: Child[] = [];
  try {
    if ((await Promise.race([missing, answers(through)])) === 'missing') return undefined;
    for (const { url, preload } of paths) children.push(start(url, preload));
    for (const child of children) await child.reply();
    const each = paths.map((): number[] => []);
    for (let endMs = performance.now() + totalMs, round = 0; round < 3 || performance.now() < endMs; round++) {
      for (let turn = 0; turn < children.length; turn++) {
        const place = (turn + round) % children.length;
        const reply = (await children[place]?.ask({ concurrency: 1, durationMs: sliceMs, each: true })) as WorkerReply;
        if (reply.kind !== 'measured') throw new Error('a client process failed');
        // The first round warms the compiler up.
        if (round > 0) each[place]?.push(...reply.measured.eachUs);
      }
    }
    return paths.map(({ name }, place) => {
      const sorted = (each[place] ?? []).sort((a, b) => a - b);
      const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
      return { name, p50Us: at(0.5), p99Us: at(0.99) };
    });
  } finally {
    await Promise.all(children.map((child) => child.end()));
    envoy.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(url: string, preload: boolean): Child {
  const setup: WorkerSetup = { client: 'http', wrapper: undefined, expect: 'answered', upstreams: undefined, url };
  return new Child(path.join(__dirname, 'worker.js'), {
    execArgv: preload ? ['--require', REGISTER] : [],
    args: [JSON.stringify(setup)],
  });
}

async function answers(url: string): Promise<'answers'> {
  for (const endMs = performance.now() + STARTING_MS; performance.now() < endMs; await pause(100)) {
    const status = await new Promise((resolve) => {
      http.get(url, { agent: false }, (response) => resolve(response.resume().statusCode)).on('error', resolve);
    });
    if (status === 200) return 'answers';
  }
  throw new Error(`Envoy did not answer at ${url} within ${STARTING_MS / 1000} s`);
}

/** A listener, a cluster of one, and the outlier detection that is Envoy's circuit breaker. */
function configurationOf(upstream: URL, proxyPort: number): object {
  const addressOf = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const type = 'type.googleapis.com/envoy.extensions.filters';
  const router = { name: 'envoy.filters.http.router', typed_config: { '@type': `${type}.http.router.v3.Router` } };
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }];
  const manager = {
    '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'sidecar',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [router],
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: addressOf(Number(upstream.port)) } }] }];
  return {
    static_resources: {
      listeners: [{ address: addressOf(proxyPort), filter_chains: [{ filters }] }],
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          load_assignment: { cluster_name: 'upstream', endpoints },
          outlier_detection: { consecutive_5xx: 5, base_ejection_time: '10s' },
        },
      ],
    },
  };
}
