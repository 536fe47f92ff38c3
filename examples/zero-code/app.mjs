// The same as an ECMAScript module, with a named import of a builtin.
import { get } from 'node:http';

const url = process.env.SERVICE_URL;

function withHttp() {
  return new Promise((resolve) => {
    const request = get(url, (response) => {
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

for (const ask of [withHttp, withFetch]) {
  const answers = [];
  for (let call = 0; call < 4; call += 1) answers.push(await ask());
  console.log(`${ask.name.padEnd(9)} ${answers.join(' ').replaceAll('ERR_RESILIENCE_', '')}`);
}
