import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What the upstream does with a request; the next one in the script, or the last one again and again. */
export type Act =
  | number
  | 'reset'
  | 'hang'
  | 'die mid-body'
  | 'stall mid-body'
  | ((request: http.IncomingMessage, response: http.ServerResponse, body: Buffer) => void);

export interface Hit {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A scripted server on the loopback interface that remembers what reached it. */
export class Upstream {
  readonly hits: Hit[] = [];
  connections = 0;
  readonly origin: string;
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #script: Act[];
  readonly #arrivals: Array<() => void> = [];

  static async start(...script: Act[]): Promise<Upstream> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Upstream(server, script);
  }

  private constructor(server: http.Server, script: Act[]) {
    this.#server = server;
    this.#script = script;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  get server(): http.Server {
    return this.#server;
  }

  /** The next request has arrived (its head). */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.#arrivals.push(resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const act = this.#script.length > 1 ? this.#script.shift() : (this.#script[0] ?? 200);
    request.on('error', () => {});
    const chunks: Buffer[] = [];
    for (const arrived of this.#arrivals.splice(0)) arrived();
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks);
    const { method = '', url = '', headers } = request;
    this.hits.push({ method, url, headers, body: body.toString() });
    if (typeof act === 'function') return act(request, response, body);
    if (act === 'hang') return;
    if (act === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (typeof act === 'number') {
      response.writeHead(act, { 'content-type': 'text/plain', 'x-hit': String(this.hits.length) });
      response.end(method === 'HEAD' ? undefined : `hit ${this.hits.length}`);
      return;
    }
    response.writeHead(200, { 'content-length': '100' });
    response.write('beginning', () => {
      if (act === 'die mid-body') request.socket.resetAndDestroy();
    });
  }
}
