import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { TLSSocket } from 'node:tls';
import { CERTIFICATE } from '../../support/upstream.ts';

/** What the server does with a request. */
export type Act =
  | number
  | 'reset'
  | 'hang'
  | ((request: http.IncomingMessage, response: http.ServerResponse, hit: Hit) => void);

export interface Hit {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** The common name of the client's certificate. */
  readonly certificate: string | undefined;
}

/** A server that does what `script` says, request by request, then `act` again and again, and remembers what it got. */
export class ScriptedOrigin extends EventEmitter<{ request: []; left: []; hit: [Hit] }> {
  readonly origin: string;
  readonly port: number;
  act: Act = 200;
  script: Act[] = [];
  readonly hits: Hit[] = [];
  /** Requests begun, whether or not their bodies have come. */
  requests = 0;
  inFlight = 0;
  /** Most requests in flight at one time. */
  highWater = 0;
  readonly #server: http.Server;

  static async start(act: Act = 200, secure = false): Promise<ScriptedOrigin> {
    const key = (): Buffer => readFileSync(path.join(path.dirname(CERTIFICATE), 'localhost-key.pem'));
    // Takes any client certificate, and none.
    const tls = { requestCert: true, rejectUnauthorized: false };
    const server = secure
      ? https.createServer({ ...tls, key: key(), cert: readFileSync(CERTIFICATE) })
      : http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = new ScriptedOrigin(server as http.Server, secure ? 'https' : 'http');
    origin.act = act;
    return origin;
  }

  private constructor(server: http.Server, protocol: string) {
    super();
    this.setMaxListeners(0);
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.origin = `${protocol}://127.0.0.1:${this.port}`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves when so many requests have begun. */
  async begun(count: number): Promise<void> {
    while (this.requests < count) await once(this, 'request');
  }

  reset(act: Act = 200, ...script: Act[]): void {
    this.act = act;
    this.script = script;
    this.hits.length = 0;
    this.requests = 0;
    this.highWater = 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const act = this.script.shift() ?? this.act;
    this.requests++;
    this.highWater = Math.max(this.highWater, ++this.inFlight);
    response.on('close', () => {
      this.inFlight--;
      this.emit('left');
    });
    this.emit('request');
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The caller has gone.
    }
    const { method = '', url = '', headers } = request;
    const hit = { method, url, headers, body: Buffer.concat(chunks).toString('latin1'), certificate: peerOf(request) };
    this.hits.push(hit);
    this.emit('hit', hit);
    if (typeof act === 'function') act(request, response, hit);
    else if (act === 'reset') request.socket.resetAndDestroy();
    else if (act !== 'hang') response.writeHead(act, { 'content-type': 'text/plain' }).end(`${method} ${url}`);
  }
}

function peerOf({ socket }: http.IncomingMessage): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  return [socket.getPeerCertificate().subject?.CN].flat()[0];
}

/** A port of the loopback interface where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
