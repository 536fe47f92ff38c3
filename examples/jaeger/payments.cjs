// A payments service that has an outage when it is told to. Says its port when it listens.
const http = require('node:http');

let healthy = true;
const server = http.createServer((_request, response) => response.writeHead(healthy ? 200 : 503).end());
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('message', (message) => {
  healthy = message === 'healthy';
  process.send(message);
});
process.on('disconnect', () => process.exit());
