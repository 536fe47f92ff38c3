'use strict';
// A service of eight workers with a short queue. To say no costs a worker time as well, as it does where requests are
// decrypted, parsed and authenticated first: that is how an overloaded service comes to do nothing but refuse.
const http = require('node:http');

const WORKERS = 8;
const WORK_MS = 40;
const REFUSE_MS = 12;
const MAX_QUEUE = 16;
const waiting = [];
let queued = 0;
let busy = 0;

function work() {
  while (busy < WORKERS && waiting.length > 0) {
    busy++;
    const { response, accepted } = waiting.shift();
    if (accepted) queued--;
    setTimeout(
      () => {
        response.writeHead(accepted ? 200 : 503).end();
        busy--;
        work();
      },
      accepted ? WORK_MS : REFUSE_MS,
    );
  }
}

const server = http.createServer((_request, response) => {
  const accepted = queued < MAX_QUEUE;
  if (accepted) queued++;
  waiting.push({ response, accepted });
  work();
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
