import http from 'node:http';
import type { LookupFunction } from 'node:net';
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

/** One call to each of so many upstreams, all of which are the server at `url` under names of their own. */
export async function callUpstreams(url: string, count: number): Promise<void> {
  const { hostname, port, pathname } = new URL(url);
  const lookup: LookupFunction = (_name, { all }, done) =>
    all ? done(null, [{ address: hostname, family: 4 }]) : done(null, hostname, 4);
  const agent = new http.Agent({ keepAlive: false, maxTotalSockets: 50 });
  const callOne = (host: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = http.get({ host, port, path: pathname, lookup, agent }, (response) => {
        response.on('end', resolve).resume();
      });
      request.on('error', reject);
    });
  for (let next = 0; next < count; next += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => callOne(`upstream-${next + i}.test`)));
  }
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
