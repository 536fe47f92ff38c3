import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the upstream does with one request: answers with a status, or something worse. */
export type Step =
  | number
  | 'reset'
  | 'hang'
  | 'hang_up'
  | 'truncate'
  | 'trickle'
  | { readonly early: number }
  | { readonly status: number; readonly body: string | Buffer; readonly headers?: http.OutgoingHttpHeaders };

/** A server that answers by a list of steps, 200 when the list has run out, and remembers what it got. */
export class Upstream {
  readonly server: http.Server;
  steps: Step[] = [];
  hits = 0;
  connections = 0;
  bodies: string[] = [];
  heads: Array<{ readonly method: string; readonly url: string; readonly headers: http.IncomingHttpHeaders }> = [];

  constructor(server = http.createServer()) {
    this.server = server;
    server.on('connection', () => this.connections++);
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) =>
      this.#serve(request, response),
    );
    server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\nhello');
    });
    server.on('connect', (_request, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhi'));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  reset(...steps: Step[]): void {
    this.steps = steps;
    this.hits = 0;
    this.connections = 0;
    this.bodies = [];
    this.heads = [];
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.hits++;
    this.heads.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    const step = this.steps.shift() ?? 200;
    if (step === 'reset') {
      request.socket.resetAndDestroy();
    } else if (step === 'hang_up') {
      request.socket.destroy();
    } else if (step === 'hang') {
      request.resume();
    } else if (step === 'truncate') {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => request.socket.destroy());
    } else if (step === 'trickle') {
      response.writeHead(503);
      response.write('a little');
    } else if (typeof step === 'object' && 'early' in step) {
      response.writeHead(step.early, { 'content-type': 'text/plain' });
      response.end('early');
    } else {
      this.#answer(request, response, step);
    }
  }

  #answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    step:
      | number
      | { readonly status: number; readonly body: string | Buffer; readonly headers?: http.OutgoingHttpHeaders },
  ): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      this.bodies.push(body.length < 100_000 ? body.toString() : `${body.length} bytes`);
      const {
        status,
        body: answer,
        headers,
      } = typeof step === 'number' ? { status: step, body: undefined } : { headers: {}, ...step };
      if (request.url === '/hints') {
        response.writeEarlyHints({ link: '</a>; rel=preload' });
        response.writeHead(status, { trailer: 'x-t' });
        response.write('b');
        response.addTrailers({ 'x-t': '1' });
        response.end();
        return;
      }
      response.writeHead(status, { 'content-type': 'application/json', 'x-hit': String(this.hits), ...headers });
      response.end(answer ?? JSON.stringify({ hit: this.hits, method: request.method, length: body.length }));
    });
  }
}
