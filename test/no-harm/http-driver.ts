import http from 'node:http';
import net from 'node:net';
import { type CallReport, type ClientDriver, NEVER_MS, type Place } from './driver.ts';
import type { LoopClock } from './loop-clock.ts';
import { bodyOf, type CallPlan } from './plan.ts';

const sleep = (ms: number): Promise<void> =>
  ms === 0
    ? new Promise((resolve) => void setImmediate(resolve))
    : new Promise((resolve) => void setTimeout(resolve, ms));

type CodedError = Error & { readonly code?: string };

/** Calls by `http.request`, in all the ways that apps use it. */
export class HttpDriver implements ClientDriver {
  readonly name = 'http';
  readonly #kept = new http.Agent({ keepAlive: true });
  readonly #queued = new http.Agent({ keepAlive: true, maxSockets: 30 });

  supports(): boolean {
    return true;
  }

  close(): void {
    this.#kept.destroy();
    this.#queued.destroy();
  }

  call(plan: CallPlan, place: Place): Promise<CallReport> {
    return new AppCall(plan, place, this.#agent(plan, place)).run();
  }

  #agent(plan: CallPlan, place: Place): http.RequestOptions {
    if (plan.refusals > 0) return { agent: refusing(plan.refusals, place) };
    switch (plan.connection) {
      case 'kept':
        return { agent: this.#kept };
      case 'queued':
        return { agent: this.#queued };
      case 'fresh':
        return { agent: new http.Agent() };
      case 'none':
        return { agent: false };
    }
  }
}

/** An agent whose first connections are refused. */
function refusing(times: number, place: Place): http.Agent {
  const agent = new http.Agent();
  let left = times;
  Object.assign(agent, {
    createConnection(options: net.TcpNetConnectOpts) {
      const dead = left-- > 0;
      return net.connect(dead ? { ...options, port: place.deadPort } : options);
    },
  });
  return agent;
}

class AppCall {
  readonly #plan: CallPlan;
  readonly #events: string[] = [];
  readonly #faults: string[] = [];
  readonly #body: Buffer;
  readonly #options: http.RequestOptions;
  readonly #clock: LoopClock;
  readonly #startedMs: number;
  #status: number | undefined;
  #headers: http.IncomingHttpHeaders = {};
  #wroteAll = false;
  #settledMs = Number.POSITIVE_INFINITY;
  #closed = false;
  #responseEnded = false;

  constructor(plan: CallPlan, place: Place, agent: http.RequestOptions) {
    this.#plan = plan;
    this.#clock = place.clock;
    this.#startedMs = place.clock.now();
    this.#body = bodyOf(plan);
    const headers: http.OutgoingHttpHeaders = { 'x-call': String(plan.id) };
    if (plan.idempotent) headers['idempotency-key'] = String(plan.id);
    if (plan.declared && /^P/.test(plan.method)) headers['content-length'] = this.#body.length;
    if (plan.expect) headers.expect = '100-continue';
    const path = `/${plan.policy}/${plan.id}`;
    this.#options = { host: '127.0.0.1', port: place.port, method: plan.method, path, headers, ...agent };
  }

  async run(): Promise<CallReport> {
    const controller = new AbortController();
    const { giveUp } = this.#plan;
    const signal = giveUp?.how === 'abort' ? { signal: controller.signal } : {};
    const request = http.request({ ...this.#options, ...signal });
    this.#watch(request);
    const gone =
      giveUp &&
      setTimeout(() => {
        if (giveUp.how === 'abort') controller.abort();
        else request.destroy();
      }, giveUp.afterMs);
    const over = new Promise<void>((resolve) => {
      request.once('close', () => setImmediate(() => setImmediate(resolve)));
      void this.#clock.sleep(NEVER_MS, () => this.#closed).then(() => this.#closed || resolve());
    });
    // An app that is never told to go on writes no more: the call is over all the same.
    this.#write(request).catch((error: unknown) => this.#faults.push(String(error)));
    await over;
    clearTimeout(gone);
    return {
      events: [...this.#events],
      status: this.#status,
      headers: this.#headers,
      wroteAll: this.#wroteAll,
      settledMs: this.#settledMs,
      faults: this.#faults,
    };
  }

  #settled(): void {
    this.#settledMs = Math.min(this.#settledMs, this.#clock.now() - this.#startedMs);
  }

  #watch(request: http.ClientRequest): void {
    request.on('finish', () => this.#events.push('finish'));
    request.on('close', () => {
      this.#closed = true;
      this.#events.push('close');
    });
    request.on('error', (error: CodedError) => {
      this.#settled();
      this.#events.push(`error ${error.code ?? error.message}`);
    });
    request.on('response', (response) => {
      this.#settled();
      this.#status = response.statusCode;
      this.#headers = response.headers;
      this.#events.push(`response ${response.statusCode}`);
      response.on('end', () => {
        this.#events.push('end');
        // From here on Node tells nobody to go on writing: it has taken its listener for 'drain' off the connection.
        request.emit('response-end');
        this.#responseEnded = true;
      });
      response.on('error', (error: CodedError) => this.#events.push(`body error ${error.code ?? error.message}`));
      response.resume();
    });
  }

  /** Resolves when the app has written its body, or has no more reason to. */
  async #write(request: http.ClientRequest): Promise<void> {
    const { plan } = { plan: this.#plan };
    if (plan.flushHeaders) request.flushHeaders();
    if (plan.expect) await this.#first(request, ['continue', 'response'], 200);
    else if (plan.waitsForResponseMs !== undefined) await this.#first(request, ['response'], plan.waitsForResponseMs);
    let at = 0;
    for (const [i, piece] of plan.pieces.entries()) {
      if (piece.delayMs > 0 || i > 0) await sleep(piece.delayMs);
      if (this.#closed || request.destroyed) return;
      const data = this.#body.subarray(at, at + piece.bytes);
      at += piece.bytes;
      const written = piece.text ? data.toString('latin1') : Buffer.from(data);
      if (plan.endsWithPiece && i === plan.pieces.length - 1) {
        this.#end(request, written);
        return;
      }
      const more = request.write(written, 'latin1', this.#once(`write ${i}`));
      // The app may use its buffer anew once it has been written; a library of ours must not depend on it.
      if (!more && plan.obeysDrain && !this.#responseEnded)
        await this.#first(request, ['drain', 'response-end'], undefined);
    }
    if (!this.#closed && !request.destroyed) this.#end(request, undefined);
  }

  #end(request: http.ClientRequest, data: string | Buffer | undefined): void {
    this.#wroteAll = true;
    if (data === undefined) request.end(this.#once('end'));
    else request.end(data, 'latin1', this.#once('end'));
  }

  /** A callback that must not be called twice. */
  #once(what: string): () => void {
    let called = 0;
    return () => {
      called++;
      if (called === 2) this.#faults.push(`callback of ${what} called twice`);
    };
  }

  /** The first of some events, of the end of the request, or of a time. */
  #first(request: http.ClientRequest, events: readonly string[], ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(done, ms);
      const all = [...events, 'close'];
      function done(): void {
        clearTimeout(timer);
        for (const event of all) request.removeListener(event, done);
        resolve();
      }
      for (const event of all) request.on(event, done);
    });
  }
}
