import cluster from 'node:cluster';
import diagnosticsChannel from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { EngineListener } from '../engine/events.ts';
import type { Resilience } from '../resilience.ts';
import type { EventMessage } from '../telemetry/event-channel.ts';
import { EVENT_CHANNEL } from '../telemetry/names.ts';
import { Admission } from './access-control.ts';
import { isLoopback, type ListenAddress, parseAddress, urlOf } from './address.ts';
import { EventStream } from './event-stream.ts';
import { loadPage } from './page-asset.ts';
import { PageServer } from './page-server.ts';
import { Recorder } from './recorder.ts';
import { Routes } from './routes.ts';

/** Between two samples. */
const INTERVAL_MS = 1_000;
/** A comment is sent with every so many samples. */
const HEARTBEAT_EVERY = 15;

export interface StatusOptions {
  /** `OTEL_RESILIENCE_STATUS`. */
  readonly address: string;
  /** `OTEL_RESILIENCE_STATUS_TOKEN`. */
  readonly token: string | undefined;
  readonly resilience: Resilience;
  /** Tells the operator, each line once. */
  readonly report: (line: string) => void;
}

export interface StatusPage {
  /** A listener for the engine that tells `inner` everything and the page how calls end. */
  tap(inner: EngineListener): EngineListener;
  close(): void;
}

/** Serves the status page of this process, or says why not. Undefined: there is nothing to serve it with or for. */
export function serveStatus(options: StatusOptions): StatusPage | undefined {
  const { token, report } = options;
  const address = parseAddress(options.address);
  if (address === undefined) {
    report(
      `OTEL_RESILIENCE_STATUS: expected host:port, [::1]:port, :port or port with an IP address or localhost as host, ` +
        `got ${JSON.stringify(options.address.slice(0, 100))}; no status page`,
    );
    return undefined;
  }
  if (!isLoopback(address.host) && token === undefined) {
    report(
      `OTEL_RESILIENCE_STATUS: ${address.host} can be reached from other machines, which takes ` +
        'OTEL_RESILIENCE_STATUS_TOKEN; no status page',
    );
    return undefined;
  }
  if (address.port !== 0 && !takesPort()) return undefined;
  return new ServedPage(address, options);
}

/**
 * Of processes that inherit one environment, the app's is the one to be shown: not the package manager that started
 * it. A thread's own page would never get the port that its main thread has.
 */
function takesPort(): boolean {
  return (
    isMainThread && !/^(npm|npx|yarn|pnpm|pnpx|corepack)(-cli)?(\.c?js)?$/.test(path.basename(process.argv[1] ?? ''))
  );
}

class ServedPage implements StatusPage {
  readonly #address: ListenAddress;
  readonly #report: (line: string) => void;
  readonly #recorder: Recorder;
  readonly #stream = new EventStream();
  readonly #server: PageServer;
  #sampler: NodeJS.Timeout | undefined;
  #samples = 0;

  constructor(address: ListenAddress, { token, resilience, report }: StatusOptions) {
    this.#address = address;
    this.#report = report;
    const admission = new Admission(address.host, token);
    this.#recorder = new Recorder({
      resilience,
      intervalMs: INTERVAL_MS,
      actions: admission.actions,
      now: () => performance.now(),
      wallClock: Date.now,
    });
    const [recorder, stream] = [this.#recorder, this.#stream];
    const routes = new Routes({ resilience, recorder, stream, admission, page: loadPage() });
    this.#server = new PageServer({
      address,
      handle: (request, response) => this.#guarded(() => routes.handle(request, response), response),
      lasts: (socket) => stream.has(socket),
      opened: (actual) => this.#opened(actual),
      failed: (error) => this.#failed(error),
    });
    // A primary that forks has others to do the work, and the page is theirs.
    if (address.port !== 0) cluster.on('fork', this.#leave);
    this.#server.listen();
  }

  tap(inner: EngineListener): EngineListener {
    return this.#recorder.tap(inner);
  }

  close(): void {
    this.#recorder.on = false;
    clearInterval(this.#sampler);
    diagnosticsChannel.unsubscribe(EVENT_CHANNEL, this.#hear);
    cluster.off('fork', this.#leave);
    this.#server.close();
  }

  readonly #leave = (): void => this.close();

  readonly #hear = (message: unknown): void => {
    this.#guarded(() => {
      const change = this.#recorder.changed(message as EventMessage);
      if (change !== undefined) this.#stream.send('change', change);
    });
  };

  #opened(actual: ListenAddress): void {
    this.#recorder.on = true;
    diagnosticsChannel.subscribe(EVENT_CHANNEL, this.#hear);
    this.#sampler = setInterval(() => this.#guarded(() => this.#sample()), INTERVAL_MS).unref();
    if (this.#address.port === 0) this.#report(`status page at ${urlOf(actual)}`);
  }

  #failed(error: NodeJS.ErrnoException): void {
    const url = urlOf(this.#address);
    if (error.code === 'EADDRINUSE') {
      this.#report(`no status page: ${url} is served by another process; it is taken over when that ends`);
    } else this.#report(`no status page at ${url}: ${error.message}`);
  }

  #sample(): void {
    this.#stream.send('sample', this.#recorder.sample());
    if (++this.#samples % HEARTBEAT_EVERY === 0) this.#stream.heartbeat();
  }

  /** Whatever goes wrong here is no business of the app. */
  #guarded(task: () => void, response?: ServerResponse): void {
    try {
      task();
    } catch (error) {
      this.#report(`internal error in the status page (${error})`);
      response?.destroy();
    }
  }
}
