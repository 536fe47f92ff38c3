'use strict';
// Takes orders: each is paid, then the customer is notified. An order that was paid is done, notified or not.
const http = require('node:http');

let open = 0;
let most = 0;

function post(url) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'POST' }, (response) => response.resume().on('end', resolve));
    request.on('error', reject).end('order');
  });
}

async function outcomeOf(work) {
  const startedAt = performance.now();
  const error = await work.then(
    () => undefined,
    ({ code }) => code,
  );
  return { error, ms: Math.round(performance.now() - startedAt) };
}

const app = http.createServer(async (_, response) => {
  open += 1;
  most = Math.max(most, open);
  const payment = await outcomeOf(post(process.env.PAYMENTS_URL));
  const notification = await outcomeOf(post(process.env.NOTIFICATIONS_URL));
  open -= 1;
  response.end(JSON.stringify({ payment, notification, most }));
});
app.listen(0, '127.0.0.1', () => console.log(app.address().port));
