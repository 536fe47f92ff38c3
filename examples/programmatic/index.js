'use strict';
// Policies in code, the state of the circuits at run time, and manual control.
const { sdk } = require('./telemetry.js');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { CircuitOpenError, getResilience, withRequestContext } = require('opentelemetry-instrumentation-resilience');

async function ask(url) {
  try {
    const response = await fetch(url);
    await response.text();
    console.log(`GET /users/7: ${response.status}`);
  } catch (error) {
    // fetch wraps every error in a TypeError; node:http emits ours itself.
    if (!(error.cause instanceof CircuitOpenError)) throw error;
    console.log(`GET /users/7: ${error.cause.code}: ${error.cause.message}`);
  }
}

function show() {
  for (const { upstream, policy, circuits, errorRatio, rejections } of getResilience().upstreams()) {
    const states = circuits.map(({ name, state }) => `${name} ${state}`).join(', ');
    const rejected = rejections.circuit_open ?? 0;
    console.log(
      `  getResilience: ${upstream} under ${policy}: circuit ${states}, error ratio ${errorRatio}, ${rejected} rejected`,
    );
  }
}

async function main() {
  const service = fork(path.join(__dirname, '../upstream.js'), ['fail'], { execArgv: [] });
  const [{ port }] = await once(service, 'message');
  const url = `http://127.0.0.1:${port}/users/7`;

  console.log('\nThree failures in a row open the circuit, the fourth call is rejected:');
  for (let call = 1; call <= 4; call += 1) await withRequestContext(`order-${call}`, () => ask(url));
  show();

  console.log('\nThe service is repaired, and an operator resets the circuit instead of waiting 30 s:');
  service.send({ become: 'answer' });
  await once(service, 'message');
  const circuit = getResilience().circuit('user-service');
  circuit.reset();
  await ask(url);
  show();

  console.log('\nBefore maintenance of the service the circuit is forced open:');
  circuit.forceOpen();
  await ask(url);
  show();

  service.disconnect();
  await sdk.shutdown();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
