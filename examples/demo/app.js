'use strict';
// A small web shop: asks the inventory service for stock (node:http) and price (fetch) of each product it shows.
// It knows nothing of resilience or telemetry.
const http = require('node:http');

const inventory = process.env.INVENTORY_URL;

function stockOf(id) {
  return new Promise((resolve, reject) => {
    const request = http.get(`${inventory}/stock/${id}`, async (response) => {
      try {
        resolve(await bodyOf(response.statusCode, response));
      } catch (error) {
        reject(error);
      }
    });
    request.on('error', reject);
  });
}

async function priceOf(id) {
  const response = await fetch(`${inventory}/price/${id}`);
  return bodyOf(response.status, response.body);
}

async function bodyOf(status, stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  if (status !== 200) throw new Error(`HTTP ${status}`);
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** fetch wraps what happened; everything else is told by the error itself. */
function reasonOf(error) {
  const { code, message } = error.cause ?? error;
  return code ?? message;
}

const shop = http.createServer(async (request, response) => {
  const id = request.url.split('/').at(-1);
  const [stock, price] = await Promise.allSettled([stockOf(id), priceOf(id)]);
  const problems = [stock, price].filter(({ reason }) => reason !== undefined).map(({ reason }) => reasonOf(reason));
  response.writeHead(problems.length === 0 ? 200 : 502, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id, ...stock.value, ...price.value, problems }));
});

shop.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${shop.address().port}`));
