// An app like any other: it calls a payments service and knows nothing of circuit breakers or of OpenTelemetry. So that
// there is something to see, the service it calls is in here too, and has an outage.
const http = require('node:http');
const { setTimeout: wait } = require('node:timers/promises');

let healthy = true;
const payments = http.createServer((_request, response) => response.writeHead(healthy ? 200 : 503).end());

async function pay(times) {
  const outcomes = [];
  for (let i = 0; i < times; i++) {
    try {
      const response = await fetch(`http://127.0.0.1:${payments.address().port}/payments/${i}`);
      await response.text();
      outcomes.push(response.status);
    } catch (error) {
      outcomes.push(error.cause?.code ?? error.message);
    }
  }
  return outcomes.join(' ');
}

payments.listen(0, '127.0.0.1', async () => {
  console.log('all is well   ', await pay(4));
  healthy = false;
  console.log('the outage    ', await pay(9));
  healthy = true;
  await wait(2_500);
  console.log('the recovery  ', await pay(4));
  payments.closeAllConnections();
  payments.close();
});
