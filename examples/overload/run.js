'use strict';
// A service is asked for three times what it can do: first as it is, then by an app with admission, then by one whose
// bulkhead finds out how much is right. Each for as many seconds as the first argument says (20).
const { fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const REGISTER = 'opentelemetry-instrumentation-resilience/register';
const SECONDS = Number(process.argv[2] ?? 20);
const OVERLOAD = 3;
const { NODE_OPTIONS: _, ...plain } = process.env;

/** The two alone: the circuit breaker, which would stop all calls, stays out of it. */
const ALONE = { OTEL_RESILIENCE_CIRCUIT_BREAKER: 'false', OTEL_RESILIENCE_LOG: 'off' };
const RUNS = [
  { title: 'without', env: undefined },
  { title: 'admission', env: { OTEL_RESILIENCE_ADMISSION: 'true' } },
  { title: 'adaptive bulkhead', env: { OTEL_RESILIENCE_BULKHEAD_ADAPTIVE: 'true' } },
];

async function ask(service, order, env) {
  const app = fork(path.join(__dirname, 'app.js'), {
    cwd: path.resolve(__dirname, '../..'),
    execArgv: env === undefined ? [] : ['--require', REGISTER],
    env: { ...plain, ...(env && { ...ALONE, ...env }), SERVICE_URL: service.url },
  });
  await once(app, 'message');
  app.send(order);
  const [result] = await once(app, 'message');
  return result;
}

/** A fresh service each time: nothing of one run waits in the next one's queue. */
async function withService(use) {
  const child = fork(path.join(__dirname, 'service.js'), { env: plain });
  const [{ port, workers }] = await once(child, 'message');
  const result = await use({ url: `http://127.0.0.1:${port}/`, workers });
  child.disconnect();
  return result;
}

function percentile(latencies, share) {
  const sorted = latencies.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const answers = (calls) => calls.filter(([outcome]) => outcome === '200').map(([, ms]) => ms);

function describe({ seen, seconds }, capacity) {
  const all = [...seen.http, ...seen.fetch];
  const good = answers(all);
  const outcomes = {};
  for (const [outcome] of all) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    goodput: good.length / seconds / capacity,
    byClient: Object.fromEntries(Object.entries(seen).map(([client, calls]) => [client, answers(calls).length])),
    p99Ms: Math.round(percentile(good, 0.99)),
    outcomes,
  };
}

async function main() {
  const alone = await withService((service) => ask(service, { count: service.workers, seconds: Math.min(3, SECONDS) }));
  const unloaded = answers([...alone.seen.http, ...alone.seen.fetch]);
  const capacity = unloaded.length / alone.seconds;
  const unloadedMs = Math.round(percentile(unloaded, 0.99));
  console.log(`The service answers ${Math.round(capacity)} calls a second, 99 % of them within ${unloadedMs} ms.`);
  console.log(`Now it is asked ${OVERLOAD} times as much for ${SECONDS} s, by http and fetch:\n`);
  const results = {};
  for (const { title, env } of RUNS) {
    const order = { perSecond: capacity * OVERLOAD, seconds: SECONDS };
    const result = describe(await withService((service) => ask(service, order, env)), capacity);
    results[title] = result;
    const { goodput, p99Ms, byClient, outcomes } = result;
    const share = `${Math.round(goodput * 100)} %`.padStart(5);
    const by = `http ${byClient.http}, fetch ${byClient.fetch}`;
    console.log(`  ${title.padEnd(18)} ${share} of what it can do (${by}), 99 % within ${p99Ms} ms`);
    console.log(
      `  ${''.padEnd(18)} ${Object.entries(outcomes)
        .map(([name, count]) => `${count} × ${name}`)
        .join(', ')}`,
    );
  }
  console.log('\nWhat is refused in time costs the service nothing, so it does what it can for the rest.');
  if (process.send !== undefined) process.send({ unloadedMs, results });
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => process.disconnect?.());
