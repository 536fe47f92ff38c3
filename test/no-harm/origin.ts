import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallPlan, Step } from './plan.ts';

/** What an attempt left at the upstream once its body was complete. */
export interface Stored {
  readonly length: number;
  readonly hash: string;
}

export function hashOf(data: Buffer): string {
  return createHash('sha1').update(data).digest('hex');
}

/** Plays the steps of a call, attempt by attempt; when there are none left, it stores what it gets. */
export class Origin {
  readonly server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 });
  readonly #plans = new Map<string, CallPlan>();
  readonly #attempts = new Map<string, number>();
  readonly #stored = new Map<string, Stored[]>();

  constructor() {
    this.server.on('request', (request, response) => this.#serve(request, response));
    this.server.on('checkContinue', (request, response) => this.#serve(request, response, true));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', 1_024, resolve));
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  expect(plan: CallPlan): void {
    this.#plans.set(String(plan.id), plan);
  }

  /** All complete requests of a call, which is then forgotten. */
  take(id: number): { readonly attempts: number; readonly stored: readonly Stored[] } {
    const key = String(id);
    const taken = { attempts: this.#attempts.get(key) ?? 0, stored: this.#stored.get(key) ?? [] };
    for (const map of [this.#plans, this.#attempts, this.#stored]) map.delete(key);
    return taken;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse, asked = false): void {
    const id = String(request.headers['x-call']);
    const attempt = this.#attempts.get(id) ?? 0;
    this.#attempts.set(id, attempt + 1);
    const step: Step = this.#plans.get(id)?.steps[attempt] ?? { kind: 'store', afterMs: 0 };
    request.on('error', () => {});
    response.on('error', () => {});
    if (asked && step.kind !== 'early' && step.kind !== 'hang_up') response.writeContinue();
    const body: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      body.push(chunk);
      bytes += chunk.length;
      if (step.kind === 'reset' && bytes >= step.bytes) request.socket.resetAndDestroy();
    });
    request.on('end', () => {
      const whole = Buffer.concat(body);
      const stored = { length: whole.length, hash: hashOf(whole) };
      this.#stored.set(id, [...(this.#stored.get(id) ?? []), stored]);
      if (step.kind === 'store') later(step.afterMs, () => answer(response, 200, stored));
      else if (step.kind === 'fail') later(step.afterMs, () => answer(response, 503, stored));
      else if (step.kind === 'half') later(step.afterMs, () => half(response));
      else if (step.kind === 'reset') request.socket.resetAndDestroy();
    });
    if (step.kind === 'early') later(step.afterMs, () => early(response, step.close));
    else if (step.kind === 'hang_up') later(step.afterMs, () => request.socket.destroy());
    else if (step.kind === 'reset' && step.bytes === 0) request.socket.resetAndDestroy();
  }
}

function later(ms: number, act: () => void): void {
  if (ms === 0) act();
  else setTimeout(act, ms);
}

function answer(response: http.ServerResponse, status: number, stored: Stored): void {
  response.writeHead(status, { 'x-length': stored.length, 'x-hash': stored.hash });
  response.end('stored');
}

function early(response: http.ServerResponse, close: boolean): void {
  response.writeHead(503, { 'content-length': 4, ...(close ? { connection: 'close' } : undefined) });
  response.end('busy', () => {
    if (close) response.socket?.destroy();
  });
}

function half(response: http.ServerResponse): void {
  response.writeHead(200, { 'content-length': 100, 'x-half': '1' });
  response.write('half', () => response.socket?.destroy());
}
