'use strict';
// Runs the app with pino and with winston, lets its inventory fail, and puts the lines of the app's log and of ours side
// by side that are about the same request: they carry the same trace id and the same request id.
const { fork } = require('node:child_process');
const { once } = require('node:events');
const http = require('node:http');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../..');
const PRELOADS = [
  '@opentelemetry/auto-instrumentations-node/register',
  'opentelemetry-instrumentation-resilience/register',
].flatMap((module) => ['--require', module]);
/** The circuit opens at the second failure. The app's own settings; nothing of it is in the code. */
const SETTINGS = {
  OTEL_RESILIENCE_LOG: 'json',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_CONSECUTIVE_FAILURES: '2',
  OTEL_SERVICE_NAME: 'orders',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_NODE_RESOURCE_DETECTORS: 'env', // the others ask the clouds around
};
const ORDERS = ['order-1', 'order-2', 'order-3'];

const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS$)/.test(name)));
const children = new Set();

function start(file, args, options) {
  const child = fork(path.join(__dirname, file), args, { cwd: ROOT, ...options });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Takes the spans in, so that the SDK has somewhere to send them; they are of no interest here. */
async function startCollector() {
  const server = http.createServer((request, response) => request.resume().on('end', () => response.end('{}')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

async function place(order, port) {
  const request = http.get({ host: '127.0.0.1', port, path: `/${order}`, headers: { 'x-request-id': `req-${order}` } });
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
}

/** What the app writes to both outputs while it takes the orders: one JSON object per line. */
async function logsOf(logger, inventory, collector) {
  const env = {
    ...plain,
    ...SETTINGS,
    LOGGER: logger,
    INVENTORY_URL: inventory,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
  };
  const app = start('app.js', [], { env, execArgv: PRELOADS, silent: true });
  const output = { stdout: '', stderr: '' };
  for (const name of Object.keys(output)) {
    app[name].on('data', (chunk) => {
      output[name] += chunk;
    });
  }
  const [{ port }] = await Promise.race([once(app, 'message'), exited(app, output)]);
  for (const order of ORDERS) await place(order, port);
  // Not `close`, which does not come once the channel is closed from here.
  const ended = Promise.all([once(app, 'exit'), once(app.stdout, 'end'), once(app.stderr, 'end')]);
  app.disconnect();
  await ended;
  return { app: linesOf(output.stdout), ours: linesOf(output.stderr) };
}

async function exited(app, output) {
  await once(app, 'exit');
  throw new Error(`the app ended: ${output.stderr}`);
}

function linesOf(text) {
  const objects = text.split('\n').filter((line) => line.startsWith('{'));
  return objects.map((line) => JSON.parse(line));
}

/** What a line of ours is about here: an order. That an upstream is unhealthy now is told beside its open circuit. */
function isOfOrder({ event, request_id }) {
  return request_id !== undefined && event !== 'resilience.upstream.health_change';
}

/** Every line of ours about an order with the line of the app about the same one. */
function show(logger, { app, ours: all }) {
  const ours = all.filter(isOfOrder);
  console.log(`\n${logger}`);
  if (ours.length === 0) throw new Error('nothing happened that would be logged');
  for (const line of ours) {
    const theirs = app.find(({ trace_id, request_id }) => trace_id === line.trace_id && request_id === line.request_id);
    if (theirs === undefined) throw new Error(`no line of ${logger} has the ids of ${JSON.stringify(line)}`);
    console.log(`  trace ${line.trace_id}  request ${line.request_id}`);
    console.log(`    ${logger.padEnd(8)} ${theirs.msg ?? theirs.message}`);
    console.log(`    ours     ${line.message}`);
  }
}

async function main() {
  const collector = await startCollector();
  try {
    for (const logger of ['pino', 'winston']) {
      const inventory = start('../upstream.js', ['fail'], { env: plain });
      const [{ port }] = await once(inventory, 'message');
      show(logger, await logsOf(logger, `http://127.0.0.1:${port}/`, collector.url));
      inventory.disconnect();
    }
  } finally {
    collector.stop();
    for (const child of children) child.kill();
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
