'use strict';
// One of the places that know the users. Its parent process says whether it works; its name is in what it answers.
const http = require('node:http');

const [name] = process.argv.slice(2);
let failing = false;

const server = http.createServer((request, response) => {
  if (failing) {
    response.writeHead(503).end();
    return;
  }
  const id = request.url.split('/').at(-1);
  const user = { id, name: `User ${id} (says ${name})`, email: `user${id}@example.com`, status: 'active' };
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=1' });
  response.end(JSON.stringify(user));
});

process.on('message', (message) => {
  failing = message === 'fail';
  process.send('done');
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
