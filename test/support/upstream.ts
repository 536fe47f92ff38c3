import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import path from 'node:path';

const TLS = path.resolve(__dirname, '../../../test/support/tls');

/** The certificate of TLS upstreams, for `NODE_EXTRA_CA_CERTS`. */
export const CERTIFICATE = path.join(TLS, 'localhost-cert.pem');

/** A server whose behaviour a test changes while it runs. Emits `request` with the number of requests so far. */
export class Upstream extends EventEmitter<{ request: [number] }> {
  status = 200;
  delayMs = 0;
  requests = 0;
  connections = 0;
  /** Most requests in flight at one time since the last reset. */
  highWater = 0;
  #inFlight = 0;
  #released: Promise<void> | undefined;
  readonly #server: Server & { closeAllConnections(): void };
  readonly #protocol: string;

  private constructor(secure: boolean) {
    super();
    const answer = (request: http.IncomingMessage, response: http.ServerResponse): void =>
      this.#answer(request, response);
    const tls = () => ({
      key: readFileSync(path.join(TLS, 'localhost-key.pem')),
      cert: readFileSync(CERTIFICATE),
    });
    this.#server = secure ? https.createServer(tls(), answer) : http.createServer(answer);
    this.#protocol = secure ? 'https' : 'http';
    this.#server.on('connection', () => this.connections++);
  }

  static async start(secure = false): Promise<Upstream> {
    const upstream = new Upstream(secure);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get url(): string {
    return `${this.#protocol}://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers nothing more until the function it returns is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.#released = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  reset(): void {
    this.requests = 0;
    this.connections = 0;
    this.highWater = 0;
  }

  /** So that the next request has to open a connection. */
  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.requests++;
    this.highWater = Math.max(this.highWater, ++this.#inFlight);
    const { status } = this;
    this.emit('request', this.requests);
    request.resume();
    request.on('end', async () => {
      await this.#released;
      setTimeout(() => {
        this.#inFlight--;
        response.writeHead(status, { 'content-type': 'text/plain' }).end('body');
      }, this.delayMs);
    });
  }
}
