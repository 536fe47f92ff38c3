import http from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** One call: settles once, with how it ended. `leaveAfterMs`: the caller gives up then, wherever the call is. */
export interface CallPlan {
  readonly url: string;
  readonly id: string;
  readonly body: string | undefined;
  /** Where the body is cut, to be given piece by piece with pauses between; undefined: it is given at once. */
  readonly cuts: readonly number[] | undefined;
  readonly leaveAfterMs: number | undefined;
  /** The caller looks at the head and no further. */
  readonly ignoresBody: boolean;
}

/** The body in its pieces, each after a pause. */
async function* slowly(body: string, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const to of [...cuts, body.length]) {
    await sleep(Math.random() * 25);
    if (to > from) yield Buffer.from(body.slice(from, to));
    from = to;
  }
}

/** The body as a client takes it that can stream. */
function contentOf({ body, cuts }: CallPlan): string | AsyncGenerator<Buffer> | undefined {
  return body === undefined || cuts === undefined ? body : slowly(body, cuts);
}

export interface Client {
  call(plan: CallPlan): Promise<string>;
  close(): unknown;
}

/** Calls of `node:http` whose callbacks came more than once, or in an order that cannot be. */
export const irregular: string[] = [];

/** What running calls of `node:http` have seen so far. */
export const underWay = new Map<string, string[]>();

function overHttp(agent: http.Agent | false): Client {
  const call = (plan: CallPlan): Promise<string> =>
    new Promise((resolve) => {
      const { url, id, body, leaveAfterMs, ignoresBody } = plan;
      const seen: string[] = [];
      underWay.set(id, seen);
      const note = (event: string): void => {
        if (seen.includes(event)) irregular.push(`${id}: ${[...seen, event].join(', ')}`);
        seen.push(event);
      };
      const method = body === undefined ? 'GET' : 'POST';
      const request = http.request(url, { agent, method, headers: { 'x-call': id } }, (response) => {
        note('response');
        response.on('error', () => note('body error'));
        if (ignoresBody) response.destroy();
        else response.resume().on('end', () => note('end'));
      });
      request.on('error', () => note('error'));
      request.on('close', () => {
        note('close');
        underWay.delete(id);
        resolve(seen.join(', '));
      });
      const leave = (): void => {
        seen.push('left');
        request.destroy();
      };
      if (leaveAfterMs !== undefined) setTimeout(leave, leaveAfterMs);
      const content = contentOf(plan);
      if (typeof content !== 'object') request.end(content);
      // An upload that the other side ended is told of by the request.
      else
        Readable.from(content)
          .on('error', () => {})
          .pipe(request);
    });
  return { call, close: () => (agent === false ? undefined : agent.destroy()) };
}

function signalOf({ leaveAfterMs }: CallPlan): AbortSignal | undefined {
  if (leaveAfterMs === undefined) return undefined;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), leaveAfterMs);
  return controller.signal;
}

function settled(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'answered',
    (error: Error & { code?: string; cause?: { code?: string } }) =>
      String(error.cause?.code ?? error.code ?? error.name),
  );
}

/** One signal for many calls, as apps have: listeners left behind on it would show. */
const shared = new AbortController();

const overFetch: Client = {
  call: (plan) =>
    settled(
      (async () => {
        const signal = signalOf(plan) ?? shared.signal;
        const method = plan.body === undefined ? 'GET' : 'POST';
        const content = contentOf(plan);
        const body = typeof content === 'object' ? ReadableStream.from(content) : (content ?? null);
        const init = { method, body, duplex: 'half', signal, headers: { 'x-call': plan.id } };
        const response = await fetch(plan.url, init as RequestInit);
        if (plan.ignoresBody) await response.body?.cancel();
        else await response.text();
      })(),
    ),
  close: () => {},
};

async function overUndici(name: 'undici6' | 'undici7' | 'undici8'): Promise<Client> {
  const { Agent, request } = (await import(name)) as typeof import('undici7');
  const dispatcher = new Agent({ connections: 8, pipelining: 1 });
  const call = (plan: CallPlan): Promise<string> =>
    settled(
      (async () => {
        const { url, id, body, ignoresBody } = plan;
        const method = body === undefined ? 'GET' : 'POST';
        const signal = signalOf(plan) ?? null;
        const content = contentOf(plan);
        const stream = typeof content === 'object' ? Readable.from(content) : content;
        const sent = body === undefined ? null : id.endsWith('1') ? Readable.from([body]) : (stream ?? null);
        const response = await request(url, { dispatcher, method, signal, headers: { 'x-call': id }, body: sent });
        if (ignoresBody) await response.body.dump({ limit: 1_000 });
        else await response.body.text();
      })(),
    );
  return { call, close: () => dispatcher.destroy() };
}

async function overAxios(): Promise<Client> {
  const { default: axios } = await import('axios');
  const httpAgent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const call = (plan: CallPlan): Promise<string> => {
    const signal = signalOf(plan);
    const method = plan.body === undefined ? 'GET' : 'POST';
    const options = { url: plan.url, method, data: plan.body, httpAgent, headers: { 'x-call': plan.id } };
    return settled(axios.request({ ...options, ...(signal && { signal }), proxy: false }));
  };
  return { call, close: () => httpAgent.destroy() };
}

async function overGot(): Promise<Client> {
  const { default: got } = await import('got');
  const agent = new http.Agent({ keepAlive: true });
  const call = (plan: CallPlan): Promise<string> => {
    const signal = signalOf(plan);
    const method = plan.body === undefined ? 'GET' : 'POST';
    const options = { method, retry: { limit: 0 }, agent: { http: agent }, headers: { 'x-call': plan.id } } as const;
    return settled(got(plan.url, { ...options, ...(plan.body && { body: plan.body }), ...(signal && { signal }) }));
  };
  return { call, close: () => agent.destroy() };
}

export async function makeClients(): Promise<Record<string, Client>> {
  const clients: Record<string, Client> = {
    'http, keep-alive': overHttp(new http.Agent({ keepAlive: true, maxSockets: 8 })),
    'http, agent: false': overHttp(false),
    fetch: overFetch,
  };
  // After fetch, whose own copy is to be the global dispatcher.
  await settled(fetch('http://127.0.0.1:1/'));
  clients['undici 6'] = await overUndici('undici6');
  clients['undici 7'] = await overUndici('undici7');
  if (Number(process.versions.node.split('.')[0]) >= 22) clients['undici 8'] = await overUndici('undici8');
  clients.axios = await overAxios();
  clients.got = await overGot();
  return clients;
}
