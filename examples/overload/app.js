'use strict';
// An app that asks three times as often as the service can answer, and gives up on each call after a second.
const http = require('node:http');

const CAPACITY = 200;
const url = process.env.SERVICE_URL;
const durationMs = Number(process.env.DURATION_MS ?? 20_000);
const agent = new http.Agent({ keepAlive: true, maxSockets: 5_000 });
const latencies = [];
const outcomes = {};

function count(outcome) {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

function call() {
  const startMs = performance.now();
  const request = http.get(url, { agent, signal: AbortSignal.timeout(1_000) }, (response) => {
    response.resume().on('end', () => {
      if (response.statusCode !== 200) return count(response.statusCode);
      latencies.push(performance.now() - startMs);
      count('answered');
    });
    response.on('error', () => {});
  });
  request.on('error', ({ code, name }) => count(name === 'TimeoutError' || code === 'ABORT_ERR' ? 'too late' : code));
}

const startMs = performance.now();
let made = 0;
const timer = setInterval(() => {
  const elapsedMs = performance.now() - startMs;
  for (const due = (elapsedMs / 1_000) * 3 * CAPACITY; made < due; made++) call();
  if (elapsedMs < durationMs) return;
  clearInterval(timer);
  setTimeout(() => {
    latencies.sort((a, b) => a - b);
    const at = (share) => Math.round(latencies[Math.floor(share * (latencies.length - 1))] ?? 0);
    const goodput = latencies.length / ((durationMs / 1_000) * CAPACITY);
    const parts = Object.entries(outcomes).map(([outcome, times]) => `${times} ${outcome}`);
    console.log(
      `  goodput ${Math.round(goodput * 100)} % of what the service can do   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`,
    );
    console.log(`  ${made} calls: ${parts.join(', ')}`);
    agent.destroy();
  }, 1_500);
}, 5);
