'use strict';
// An app that knows nothing of hedging: 400 searches, 20 at a time, and how long they took.
const http = require('node:http');

const url = process.env.SEARCH_URL;
const agent = new http.Agent({ keepAlive: true });

function search() {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      response.resume().on('end', () => resolve(performance.now() - startMs));
    });
    request.on('error', reject);
  });
}

async function main() {
  const times = [];
  const worker = async () => {
    while (times.length < 400) times.push(await search());
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share) => `${Math.round(times[Math.floor(share * (times.length - 1))])} ms`;
  console.log(`  p50 ${at(0.5)}   p99 ${at(0.99)}   longest ${at(1)}`);
}

void main();
