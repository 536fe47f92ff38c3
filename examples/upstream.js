'use strict';
// The service that the examples ask. Answers, fails with 503 or hangs up, as its parent process says, and counts what
// reaches it.
const http = require('node:http');

let behaviour = process.argv[2] ?? 'answer';
let requests = 0;

const server = http.createServer((request, response) => {
  requests += 1;
  if (behaviour === 'hang up') {
    request.socket.destroy();
    return;
  }
  const failing = behaviour === 'fail';
  response.writeHead(failing ? 503 : 200, { 'content-type': 'application/json' });
  response.end(failing ? '{"error":"database is down"}' : '{"stock":4,"price":9.5}');
});

process.on('message', ({ become }) => {
  behaviour = become ?? behaviour;
  process.send({ requests });
});
process.on('disconnect', () => process.exit()); // the parent is gone, however it went
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
