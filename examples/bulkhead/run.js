'use strict';
// The same burst of orders, first without us, then with a bulkhead for each upstream. Notifications are slow today.
const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const REGISTER = 'opentelemetry-instrumentation-resilience/register';
const BULKHEAD = {
  OTEL_RESILIENCE_BULKHEAD_MAX_CONCURRENT: '8',
  OTEL_RESILIENCE_BULKHEAD_MAX_QUEUE: '8',
  OTEL_RESILIENCE_BULKHEAD_QUEUE_TIMEOUT: '2s',
};
const ORDERS = 60;
const PAUSE_MS = 15;
const { NODE_OPTIONS: _, ...plain } = process.env;
/** Ended with the example, however that ends; the services end by themselves when this process is gone. */
let app;

async function startService(delayMs) {
  const child = fork(path.join(__dirname, 'service.js'), [String(delayMs)], { env: plain });
  const [{ port }] = await once(child, 'message');
  const most = async () => {
    child.send('most');
    return (await once(child, 'message'))[0].most;
  };
  return { url: `http://127.0.0.1:${port}/`, most, stop: () => child.disconnect() };
}

async function order(url) {
  const response = await fetch(url, { method: 'POST' });
  return response.json();
}

async function burst(flags, env) {
  const payments = await startService(5);
  const notifications = await startService(400);
  app = spawn(process.execPath, [...flags, path.join(__dirname, 'app.js')], {
    cwd: path.resolve(__dirname, '../..'),
    env: { ...plain, ...env, PAYMENTS_URL: payments.url, NOTIFICATIONS_URL: notifications.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(app.stdout, 'data');
  const url = `http://127.0.0.1:${Number(port)}/`;
  await order(url); // the first one takes longer, as connections and code are new
  const pending = [];
  for (let n = 0; n < ORDERS; n += 1) {
    pending.push(order(url));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const orders = await Promise.all(pending);
  report(
    'payments',
    orders.map(({ payment }) => payment),
    await payments.most(),
  );
  report(
    'notifications',
    orders.map(({ notification }) => notification),
    await notifications.most(),
  );
  console.log(`  ${'the app'.padEnd(14)} ${Math.max(...orders.map(({ most }) => most))} orders open at a time`);
  app.kill();
  payments.stop();
  notifications.stop();
}

function report(name, outcomes, most) {
  const answered = outcomes.filter(({ error }) => error === undefined);
  const slowest = Math.max(...answered.map(({ ms }) => ms));
  const refused = outcomes.filter(({ error }) => error !== undefined);
  const codes = [...new Set(refused.map(({ error }) => error))].join(', ');
  const line = `${answered.length} answered (slowest ${slowest} ms), ${refused.length} refused, ${most} running at a time`;
  console.log(`  ${name.padEnd(14)} ${line}`);
  if (codes !== '') console.log(`  ${''.padEnd(14)} refused with ${codes}`);
}

async function main() {
  console.log(`${ORDERS} orders, one every ${PAUSE_MS} ms. Payments take 5 ms, notifications 400 ms.`);
  console.log('\n$ node app.js');
  await burst([], {});
  for (const [name, value] of Object.entries(BULKHEAD))
    console.log(`${name.endsWith('CONCURRENT') ? '\n' : ''}${name}=${value}`);
  console.log(`$ node --require ${REGISTER} app.js`);
  await burst(['--require', REGISTER], BULKHEAD);
  console.log(
    '\nThe limits are kept for each upstream, so that the slow one cannot take the app, nor payments, along.',
  );
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => {
    app?.kill();
    process.exit();
  });
