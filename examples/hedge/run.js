'use strict';
// A service that stalls for a second now and then: the same app without and with a hedge.
const http = require('node:http');
const { once } = require('node:events');
const { spawn } = require('node:child_process');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../..');
const REGISTER = 'opentelemetry-instrumentation-resilience/register';
const { NODE_OPTIONS: _, ...plain } = process.env;
let requests = 0;

const service = http.createServer((_request, response) => {
  // Three requests in a hundred meet a pause.
  setTimeout(() => response.end('found'), ++requests % 33 === 0 ? 1_000 : 10);
});

async function runApp(title, preloads, env) {
  console.log(`\n${title}`);
  requests = 0;
  const app = spawn(process.execPath, [...preloads, path.join(__dirname, 'app.js')], {
    cwd: ROOT,
    env: { ...plain, ...env, SEARCH_URL: `http://127.0.0.1:${service.address().port}/search` },
    stdio: 'inherit',
  });
  const [code] = await once(app, 'exit');
  if (code !== 0) throw new Error(`the app ended with ${code}`);
  console.log(`  ${requests} requests reached the service`);
}

async function main() {
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  await runApp('node app.js', [], {});
  const hedged = { OTEL_RESILIENCE_HEDGE_DELAY: '60ms' };
  await runApp('OTEL_RESILIENCE_HEDGE_DELAY=60ms node --require …/register app.js', ['--require', REGISTER], hedged);
  service.closeAllConnections();
  service.close();
}

void main();
