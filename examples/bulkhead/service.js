'use strict';
// Payments or notifications: answers every request after so many milliseconds, and knows how many it had at once.
const http = require('node:http');

const delayMs = Number(process.argv[2]);
let running = 0;
let most = 0;

const server = http.createServer((_, response) => {
  running += 1;
  most = Math.max(most, running);
  setTimeout(() => {
    running -= 1;
    response.end('done');
  }, delayMs);
});

process.on('message', () => process.send({ most }));
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
