'use strict';
// Runs the two apps in every way of loading, each against a service of its own that fails every call.
const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const REGISTER = 'opentelemetry-instrumentation-resilience/register';
/** The circuit opens at the fifth failure instead of the twentieth. */
const POLICY = { OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5' };
const WAYS = [
  { flags: [], env: {} },
  { flags: ['--require', REGISTER], env: POLICY },
  { flags: ['--import', REGISTER], env: POLICY },
  { flags: [], env: { ...POLICY, NODE_OPTIONS: `--require ${REGISTER}` } },
];

/** As an app that has the package installed: this repository finds itself by its name. */
const cwd = path.resolve(__dirname, '../..');
const { NODE_OPTIONS: _, ...plain } = process.env;

async function run(app, { flags, env }) {
  const service = fork(path.join(__dirname, '../upstream.js'), ['fail'], { env: plain });
  try {
    const [{ port }] = await once(service, 'message');
    const options = env.NODE_OPTIONS === undefined ? '' : `NODE_OPTIONS='${env.NODE_OPTIONS}' `;
    console.log(`\n$ ${options}${['node', ...flags, app].join(' ')}`);
    const child = spawn(process.execPath, [...flags, path.join(__dirname, app)], {
      cwd,
      env: { ...plain, ...env, SERVICE_URL: `http://127.0.0.1:${port}/` },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${app} ended with ${code}`);
    service.send({});
    const [{ requests }] = await once(service, 'message');
    console.log(`          ${requests} of 8 calls reached the service`);
  } finally {
    service.disconnect();
  }
}

async function main() {
  console.log(`OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS=5, but for the first two, which run without us.`);
  console.log('CIRCUIT_OPEN stands for the error code ERR_RESILIENCE_CIRCUIT_OPEN.');
  for (const way of WAYS) for (const app of ['app.cjs', 'app.mjs']) await run(app, way);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
