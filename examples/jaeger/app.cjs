// An app like any other: it calls a payments service and knows nothing of circuit breakers or of OpenTelemetry. So that
// there is something to see, it also starts that service, without any flag, and has it fail for a while.
const { fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: wait } = require('node:timers/promises');

const payments = fork(path.join(__dirname, 'payments.cjs'), { execArgv: [] });

async function become(state) {
  payments.send(state);
  await once(payments, 'message');
}

async function pay(port, times) {
  const outcomes = [];
  for (let i = 0; i < times; i++) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/payments/${i}`);
      await response.text();
      outcomes.push(response.status);
    } catch (error) {
      outcomes.push(error.cause?.code ?? error.message);
    }
  }
  return outcomes.join(' ');
}

async function main() {
  const [port] = await once(payments, 'message');
  console.log('all is well   ', await pay(port, 4));
  await become('failing');
  console.log('the outage    ', await pay(port, 9));
  await become('healthy');
  await wait(2_500);
  console.log('the recovery  ', await pay(port, 4));
  payments.disconnect();
}

void main();
