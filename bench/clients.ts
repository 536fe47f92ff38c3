import http from 'node:http';
import type { ClientName, Wrapper } from './protocol.ts';

/** Makes one call and reads its answer to the end. */
export type Call = () => Promise<unknown>;

/** Only the client that is measured gets loaded: npm's undici would become the global fetch's dispatcher. */
export async function makeCall(client: ClientName, url: string): Promise<Call> {
  switch (client) {
    case 'http':
      return overHttp(url);
    case 'fetch':
      return async () => (await fetch(url)).text();
    case 'undici': {
      const { request } = await import('undici7');
      return async () => (await request(url)).body.text();
    }
  }
}

function overHttp(url: string): Call {
  const agent = new http.Agent({ keepAlive: true });
  const { hostname, port, pathname } = new URL(url);
  const options = { agent, hostname, port, path: pathname };
  return () =>
    new Promise((resolve, reject) => {
      const request = http.request(options, (response) => {
        response.on('end', resolve);
        response.on('error', reject);
        response.resume();
      });
      request.on('error', reject);
      request.end();
    });
}

/** What is used of opossum, which comes without types. */
type OpossumClass = new (
  action: Call,
  options: { readonly timeout: false },
) => { open(): void; fire(): Promise<unknown> };

/** The call inside a breaker of another library, with its circuit closed or, on request, open. */
export async function wrapCall(call: Call, wrapper: Wrapper | undefined, open: boolean): Promise<Call> {
  switch (wrapper) {
    case undefined:
      return call;
    case 'opossum': {
      const Opossum = require('opossum') as OpossumClass;
      // Its own time limit off, as ours is: one feature on each side.
      const breaker = new Opossum(call, { timeout: false });
      if (open) breaker.open();
      return () => breaker.fire();
    }
    case 'cockatiel': {
      const { circuitBreaker, handleAll, SamplingBreaker } = await import('cockatiel');
      const breaker = new SamplingBreaker({ duration: 30_000, threshold: 0.5, minimumRps: 1 });
      const policy = circuitBreaker(handleAll, { breaker, halfOpenAfter: 10_000 });
      if (open) policy.isolate();
      return () => policy.execute(call);
    }
  }
}
