'use strict';
// A service of 8 workers with a short queue. What the queue has no place for is refused with a 503, but a refusal takes a
// worker as well: the request has been read, parsed and checked by then. So a service that is asked for too much spends
// its time on saying no.
const http = require('node:http');

const WORKERS = 8;
const SERVICE_MS = 40;
const REFUSAL_MS = 12;
const QUEUE = 32;

let idle = WORKERS;
const accepted = [];
const refused = [];

function work() {
  while (idle > 0 && refused.length + accepted.length > 0) {
    const isRefusal = refused.length > 0;
    const response = isRefusal ? refused.shift() : accepted.shift();
    idle -= 1;
    const tookMs = isRefusal ? REFUSAL_MS : SERVICE_MS * (0.5 + Math.random());
    setTimeout(() => {
      response.writeHead(isRefusal ? 503 : 200).end();
      idle += 1;
      work();
    }, tookMs);
  }
}

const server = http.createServer((_, response) => {
  if (accepted.length < QUEUE) accepted.push(response);
  else refused.push(response);
  work();
});

process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port, workers: WORKERS }));
