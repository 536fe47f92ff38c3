'use strict';
// Asks a service four times with each client. Nothing in it knows of resilience.
const http = require('node:http');

const url = process.env.SERVICE_URL;

function withHttp() {
  return new Promise((resolve) => {
    const request = http.get(url, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    request.on('error', (error) => resolve(error.code));
  });
}

async function withFetch() {
  try {
    const response = await fetch(url);
    await response.text();
    return response.status;
  } catch (error) {
    return error.cause.code;
  }
}

async function main() {
  for (const ask of [withHttp, withFetch]) {
    const answers = [];
    for (let call = 0; call < 4; call += 1) answers.push(await ask());
    console.log(`${ask.name.padEnd(9)} ${answers.join(' ').replaceAll('ERR_RESILIENCE_', '')}`);
  }
}

void main();
