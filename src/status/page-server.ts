import { EventEmitter } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ListenAddress } from './address.ts';
import { ConnectionTable } from './connection-table.ts';

/** How long a process that found the port taken waits before it tries again. */
const TAKEOVER_MS = 5_000;
const MAX_CONNECTIONS = 64;
/** How long a connection may stand still, as one does whose other end has gone or does not read. Samples come every second. */
const IDLE_MS = 15_000;

export interface PageServerOptions {
  readonly address: ListenAddress;
  readonly handle: (request: http.IncomingMessage, response: http.ServerResponse) => void;
  /** Whether a connection carries an answer that is meant to last. */
  readonly lasts: (socket: Socket) => boolean;
  readonly opened: (address: ListenAddress) => void;
  /** Told of every failed attempt. */
  readonly failed: (error: NodeJS.ErrnoException) => void;
}

/**
 * An HTTP server that lives beside the app: it never keeps the process up, takes little, and nothing that instruments
 * servers sees it.
 */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #server: http.Server;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#server = createServer(options);
    this.#server.on('listening', () => {
      const { address, port } = this.#server.address() as AddressInfo;
      options.opened({ host: address, port });
    });
    this.#server.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever has the port may be an app of ours that ends sooner than we do.
      if (error.code === 'EADDRINUSE') this.#retry = setTimeout(() => this.listen(), TAKEOVER_MS).unref();
      options.failed(error);
    });
  }

  listen(): void {
    const { host, port } = this.#options.address;
    // Exclusive: in a cluster's worker, the primary would open the port and hand out its connections in turn.
    this.#server.listen({ host, port, exclusive: true });
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function createServer({ handle, lasts }: PageServerOptions): http.Server {
  const server = http.createServer({
    connectionsCheckingInterval: 1_000,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    maxHeaderSize: 8 * 1024,
  });
  // Instrumentations and agents wrap `http.Server.prototype.emit` to hear of requests; ours never go there.
  server.emit = EventEmitter.prototype.emit;
  const connections = new ConnectionTable(MAX_CONNECTIONS, lasts);
  server.setTimeout(IDLE_MS);
  server.on('connection', (socket) => {
    socket.unref();
    connections.opened(socket);
  });
  server.on('request', (request, response) => {
    connections.asked(request.socket);
    handle(request, response);
  });
  return server.unref();
}
