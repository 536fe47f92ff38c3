'use strict';
// The services fail one after the other, and the app keeps answering.
const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../..');
const REGISTER = 'opentelemetry-instrumentation-resilience/register';
const { NODE_OPTIONS: _, ...plain } = process.env;
/** Ended with the example, however that ends; the services end by themselves when this process is gone. */
let appProcess;
const folder = mkdtempSync(path.join(tmpdir(), 'fallback-example-'));

async function startService(name) {
  const child = fork(path.join(__dirname, 'user-service.js'), [name], { env: plain });
  const [port] = await once(child, 'message');
  const tell = async (what) => {
    child.send(what);
    await once(child, 'message');
  };
  const stop = async () => {
    child.disconnect();
    await once(child, 'exit');
  };
  return { name, host: `127.0.0.1:${port}`, fail: () => tell('fail'), recover: () => tell('recover'), stop };
}

async function startApp(services) {
  let config = readFileSync(path.join(__dirname, 'resilience.yaml'), 'utf8');
  for (const { name, host } of services) config = config.replaceAll(`{${name}}`, host);
  const file = path.join(folder, 'resilience.yaml');
  writeFileSync(file, config);
  const child = spawn(process.execPath, ['--require', REGISTER, path.join(__dirname, 'app.js')], {
    cwd: ROOT,
    env: { ...plain, OTEL_RESILIENCE_CONFIG_FILE: file, USER_SERVICE_URL: `http://${services[0].host}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  appProcess = child;
  const [port] = await once(child.stdout, 'data');
  return { url: `http://127.0.0.1:${Number(port)}` };
}

async function ask(app, id) {
  const response = await fetch(`${app.url}/users/${id}`);
  console.log(`  GET /users/${id}  ${response.status}  from ${response.headers.get('x-source')}`);
  console.log(`    ${await response.text()}`);
  return response.headers.get('x-source');
}

async function main() {
  const primary = await startService('primary');
  const backup1 = await startService('backup1');
  const backup2 = await startService('backup2');
  const app = await startApp([primary, backup1, backup2]);
  console.log('\nAll is well:');
  await ask(app, 7);
  console.log('\nThe primary fails; the first backup answers:');
  await primary.fail();
  await ask(app, 7);
  console.log('\nThe first backup is gone; the second answers:');
  await backup1.stop();
  await ask(app, 7);
  console.log('\nThe second backup fails as well; what was answered last is in the cache:');
  await backup2.fail();
  await ask(app, 7);
  console.log('\nAnother user, of whom nothing is in the cache; a degraded answer:');
  await ask(app, 8);
  console.log('\nThe primary is back; its circuit finds out when its open time is over:');
  await primary.recover();
  const giveUpAt = Date.now() + 10_000;
  while ((await ask(app, 9)) !== 'user service') {
    if (Date.now() > giveUpAt) throw new Error('the primary was not asked again');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => {
    appProcess?.kill();
    rmSync(folder, { recursive: true });
    process.exit();
  });
