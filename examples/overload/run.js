'use strict';
// Three times what a service can take: without anything, with an adaptive bulkhead, with admission.
const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../..');
const REGISTER = 'opentelemetry-instrumentation-resilience/register';
const { NODE_OPTIONS: _, ...plain } = process.env;

const RUNS = [
  ['node app.js', [], {}],
  [
    'OTEL_RESILIENCE_BULKHEAD_ADAPTIVE=true node --require …/register app.js',
    ['--require', REGISTER],
    { OTEL_RESILIENCE_CIRCUIT_BREAKER: 'false', OTEL_RESILIENCE_BULKHEAD_ADAPTIVE: 'true' },
  ],
  [
    'OTEL_RESILIENCE_ADMISSION=true OTEL_RESILIENCE_TIMEOUT_TOTAL=900ms node --require …/register app.js',
    ['--require', REGISTER],
    // What the app itself gives up says nothing of the service: a time limit of the policy does.
    {
      OTEL_RESILIENCE_CIRCUIT_BREAKER: 'false',
      OTEL_RESILIENCE_ADMISSION: 'true',
      OTEL_RESILIENCE_TIMEOUT_TOTAL: '900ms',
    },
  ],
];

async function run([title, preloads, env]) {
  console.log(`\n${title}`);
  const service = fork(path.join(__dirname, 'service.js'), { env: plain });
  const [port] = await once(service, 'message');
  const app = spawn(process.execPath, [...preloads, path.join(__dirname, 'app.js')], {
    cwd: ROOT,
    env: { ...plain, ...env, SERVICE_URL: `http://127.0.0.1:${port}/` },
    stdio: 'inherit',
  });
  const [code] = await once(app, 'exit');
  service.disconnect();
  if (code !== 0) throw new Error(`the app ended with ${code}`);
}

async function main() {
  for (const each of RUNS) await run(each);
}

void main();
