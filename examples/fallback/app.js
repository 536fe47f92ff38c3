'use strict';
// A page about a user, made of what the user service says. It knows nothing of backups; it only passes on, for whoever
// wants to know, where the answer came from.
const http = require('node:http');

const app = http.createServer(async (request, response) => {
  try {
    const answer = await fetch(`${process.env.USER_SERVICE_URL}${request.url}`);
    const source = answer.headers.get('resilience-source') ?? 'user service';
    const age = answer.headers.get('age');
    response.writeHead(answer.status, { 'x-source': age === null ? source : `${source}, ${age} s old` });
    response.end(await answer.text());
  } catch (error) {
    response.writeHead(502).end(`${error.cause?.code ?? error}`);
  }
});
app.listen(0, '127.0.0.1', () => console.log(app.address().port));
