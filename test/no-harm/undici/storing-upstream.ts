import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Act, digest, type Plan } from './plan.ts';

/** A request that came in whole. */
export interface Stored {
  readonly length: number;
  readonly hash: string;
}

/** Does what the plan of each call says, attempt by attempt, and keeps what came in whole. */
export class StoringUpstream {
  readonly origin: string;
  readonly port: number;
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #plans: Map<string, { readonly plan: Plan; attempts: number; readonly stored: Stored[] }>;

  static async start(plans: StoringUpstream['plans'] = new Map()): Promise<StoringUpstream> {
    const server = http.createServer({ keepAliveTimeout: 60_000 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StoringUpstream(server, plans);
  }

  private constructor(server: http.Server, plans: StoringUpstream['plans']) {
    this.#server = server;
    this.#plans = plans;
    this.port = (server.address() as AddressInfo).port;
    this.origin = `http://127.0.0.1:${this.port}`;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('request', (request, response) => this.#serve(request, response));
  }

  /** What is to come, shared by all the places a call may reach. */
  get plans(): Map<string, { readonly plan: Plan; attempts: number; readonly stored: Stored[] }> {
    return this.#plans;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const call = this.#plans.get(request.url?.split('/')[1] ?? '');
    const act = call?.plan.acts[call.attempts] ?? 'accept';
    if (call !== undefined) call.attempts++;
    const chunks: Buffer[] = [];
    let stored: Stored | undefined;
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (act === 'reset in upload') request.socket.resetAndDestroy();
    });
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      stored = { length: bytes.length, hash: digest(bytes) };
      call?.stored.push(stored);
      this.#whole(act, request, response, stored);
    });
    if (act === 'reset at head') request.socket.resetAndDestroy();
    else if (act === '503 early') response.writeHead(503).end('no');
    else if (act === '503 in two parts') {
      response.writeHead(503, { 'content-length': '20' });
      response.write('0123456789');
      setTimeout(() => response.end('0123456789'), 3);
    }
  }

  #whole(act: Act, request: http.IncomingMessage, response: http.ServerResponse, stored: Stored): void {
    if (act === '503 late' || act === 'reset in upload') response.writeHead(503).end('no');
    else if (act === 'reset before answer') request.socket.resetAndDestroy();
    else if (act === 'half a response') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => setTimeout(() => request.socket.resetAndDestroy(), 1));
    } else if (act === 'accept') {
      const text = JSON.stringify(stored);
      response.writeHead(200, { 'content-type': 'application/json', 'x-stored': 'yes' }).end(text);
    }
  }
}
