'use strict';
// Asks the service so many times a second, by http and fetch in turns, whatever comes of it; or, with a number of
// callers, by so many that wait for their answers. Knows nothing of resilience.
const http = require('node:http');

const url = process.env.SERVICE_URL;
const agent = new http.Agent({ keepAlive: true });
const seen = { http: [], fetch: [] };

const clients = {
  http: () =>
    new Promise((resolve, reject) => {
      const request = http.get(url, { agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      request.on('error', reject);
    }),
  async fetch() {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status;
  },
};

async function call(client) {
  const begun = performance.now();
  const outcome = await clients[client]().catch((error) => error.code ?? error.cause?.code ?? error.name);
  seen[client].push([String(outcome), performance.now() - begun]);
}

async function callers(count, seconds) {
  const end = performance.now() + seconds * 1000;
  const caller = async (client) => {
    while (performance.now() < end) await call(client);
  };
  await Promise.all(Array.from({ length: count }, (_, n) => caller(n % 2 === 0 ? 'http' : 'fetch')));
}

/** What has not been answered by the end is worth nothing to those who asked. */
async function flood(perSecond, seconds) {
  const begun = performance.now();
  const elapsedSeconds = () => (performance.now() - begun) / 1000;
  for (let sent = 0; elapsedSeconds() < seconds; ) {
    for (const due = elapsedSeconds() * perSecond; sent < due; sent += 1) void call(sent % 2 === 0 ? 'http' : 'fetch');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

process.once('message', async ({ count, perSecond, seconds }) => {
  const begun = performance.now();
  await (count === undefined ? flood(perSecond, seconds) : callers(count, seconds));
  process.send({ seen, seconds: (performance.now() - begun) / 1000 }, () => process.exit());
});
process.send('ready');
