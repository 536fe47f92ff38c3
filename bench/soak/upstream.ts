import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The upstream of the soak: answers most calls well, and the others in every bad way a server or a network knows. */

type Reply = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const BIG = Buffer.alloc(300_000, 'big ');
const CACHEABLE = { 'content-type': 'text/plain', 'cache-control': 'public, max-age=1' };

const later = (ms: number, act: () => void): void => void setTimeout(act, ms);
const reset = (request: http.IncomingMessage): void => void request.socket.resetAndDestroy();
const say = (request: http.IncomingMessage, bytes: string): void => void request.socket.write(bytes);

/** A head cut short, and a body. */
const halfHead: Reply = (request) => {
  say(request, 'HTTP/1.1 200 OK\r\nContent-Le');
  later(5, () => reset(request));
};
const halfBody: Reply = (request, response) => {
  response.writeHead(200, { 'content-length': 1_000 }).write('short');
  later(5, () => reset(request));
};
const stalls =
  (status: number): Reply =>
  (_, response) =>
    void response.writeHead(status, { 'content-length': 1_000 }).write('stalled');
const hinted: Reply = (_, response) => {
  response.writeEarlyHints({ link: '</style.css>; rel=preload' });
  response.writeHead(200).end('hinted');
};
const processed: Reply = (_, response) => {
  response.writeProcessing();
  later(20, () => response.writeHead(200).end('processed'));
};

const REPLIES: ReadonlyArray<readonly [weight: number, reply: Reply]> = [
  [60, (_, response) => response.writeHead(200, CACHEABLE).end('fine')],
  [6, (_, response) => response.writeHead(200).end(BIG)],
  [4, (_, response) => response.writeHead(204).end()],
  [6, (_, response) => later(Math.random() * 400, () => response.writeHead(200).end('late'))],
  [3, (_, response) => response.writeHead(200, { connection: 'close' }).end('last of its connection')],
  [4, (_, response) => response.writeHead(500).end('broken')],
  [3, (_, response) => response.writeHead(503, { 'retry-after': '0' }).end(BIG)],
  [1, (_, response) => response.writeHead(429, { 'retry-after': '0' }).end()],
  [2, (_, response) => response.writeHead(408).end()],
  [3, hinted],
  [2, processed],
  // Nothing, ever.
  [2, () => {}],
  [4, reset],
  [2, halfHead],
  [3, halfBody],
  [2, stalls(200)],
  [1, stalls(503)],
  // Not HTTP; and more than was announced.
  [2, (request) => say(request, 'HTTP/9.9 what?\r\n\r\n')],
  [1, (request) => say(request, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmore than two')],
  [1, (request) => say(request, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')],
];
const TOTAL_WEIGHT = REPLIES.reduce((sum, [weight]) => sum + weight, 0);

function pick(): Reply {
  let left = Math.random() * TOTAL_WEIGHT;
  for (const [weight, reply] of REPLIES) {
    left -= weight;
    if (left < 0) return reply;
  }
  throw new Error('no reply left');
}

/** What came over the wire. */
export interface WireReport {
  readonly requests: number;
  /** Requests that may not be repeated and came more than once all the same. */
  readonly sentTwice: number;
}

/** How often each POST arrived, at whichever server. */
const posts = new Map<string, number>();
let requests = 0;

function serve(answer: Reply): http.Server {
  const server = http.createServer((request, response) => {
    requests++;
    const id = request.headers['x-call'];
    if (request.method === 'POST' && typeof id === 'string') posts.set(id, (posts.get(id) ?? 0) + 1);
    request.on('error', () => {});
    response.on('error', () => {});
    // Some answers come before the request is complete.
    if (Math.random() < 0.1) return answer(request, response);
    request.resume().on('end', () => answer(request, response));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('dropRequest', () => {});
  return server.listen(0, '127.0.0.1');
}

/** Now and then everything fails for a while, so that circuits open and close again. */
const isDown = (): boolean => performance.now() % 4_000 < 500;
const primary = serve((request, response) => (isDown() ? reset : pick())(request, response));
const backup = serve((_, response) => response.writeHead(Math.random() < 0.8 ? 200 : 500).end('backup'));
const ports = [primary, backup].map((server) => {
  return new Promise<number>((resolve) =>
    server.on('listening', () => resolve((server.address() as AddressInfo).port)),
  );
});
void Promise.all(ports).then((all) => process.send?.(all));
process.on('message', () => {
  const sentTwice = [...posts.values()].filter((times) => times > 1).length;
  process.send?.({ requests, sentTwice } satisfies WireReport);
});
process.on('disconnect', () => process.exit());
