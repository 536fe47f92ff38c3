import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The upstream: a small answer that a shared cache may keep, over connections it never closes by itself. */

const BODY = JSON.stringify({ id: 1, name: 'benchmark', tags: ['a', 'b', 'c'], text: 'x'.repeat(150) });
const HEADERS = {
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(BODY),
  'cache-control': 'public, max-age=60',
};

const server = http.createServer((_request, response) => {
  response.writeHead(200, HEADERS);
  response.end(BODY);
});
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
