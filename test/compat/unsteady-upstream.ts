import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an attempt was known by to the tracer that sent it. */
const TRACE_HEADERS = ['traceparent', 'x-datadog-parent-id', 'sentry-trace'];

interface SeenAttempt {
  readonly url: string;
  readonly trace: string;
  /** Of `fetch`, which says so by a header of its own. */
  readonly fetched: boolean;
}

/**
 * `/ok` is well, `/flaky/<n>` is every other time, `/down` never, and `/reset/<n>` breaks the connection. Keeps the
 * path and the trace headers of each request that reached it.
 */
export class UnsteadyUpstream {
  readonly attempts: SeenAttempt[] = [];
  /** Whether everything fails. */
  down = false;
  readonly #seen = new Map<string, number>();
  readonly #server = http.createServer((request, response) => {
    const { url = '' } = request;
    const count = (this.#seen.get(url) ?? 0) + 1;
    this.#seen.set(url, count);
    const trace = TRACE_HEADERS.map((name) => request.headers[name] ?? '').join(' ');
    this.attempts.push({ url, trace, fetched: request.headers['sec-fetch-mode'] !== undefined });
    request.resume();
    if (url.startsWith('/reset/')) {
      request.socket.destroy();
      return;
    }
    const failing = this.down || url === '/down' || (url.startsWith('/flaky/') && count % 2 === 1);
    response.writeHead(failing ? 503 : 200, { 'content-type': 'text/plain' }).end('body');
  });

  static async start(): Promise<UnsteadyUpstream> {
    const upstream = new UnsteadyUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
