import { Blob } from 'node:buffer';
import { createRequire } from 'node:module';
import { Readable, Writable } from 'node:stream';
import { VERSIONS } from '../../interception/undici/support/undici-module.ts';
import type { BodyKind, Plan } from './plan.ts';

/** What the app saw of a call. */
export interface Seen {
  readonly status: number;
  readonly source: string | undefined;
  readonly text: string;
}

export interface Client {
  readonly name: string;
  readonly kinds: readonly BodyKind[];
  /** Rejects when the call fails. */
  call(origin: string, plan: Plan, signal: AbortSignal): Promise<Seen>;
  close(): Promise<void>;
}

type Connector = (options: object, done: (error: Error | null, socket: unknown) => void) => void;

interface Undici {
  fetch(url: string, options: object): Promise<Response>;
  request(
    url: string,
    options: object,
  ): Promise<{ statusCode: number; headers: Record<string, string>; body: { text(): Promise<string> } }>;
  stream(
    url: string,
    options: object,
    factory: (head: { statusCode: number; headers: Record<string, string> }) => Writable,
  ): Promise<unknown>;
  Agent: new (options?: object) => Dispatcher;
  buildConnector(options: object): Connector;
}

interface Dispatcher {
  dispatch(options: object, handler: object): boolean;
  destroy(): Promise<void>;
}

const load = createRequire(__filename);
const STREAMED: readonly BodyKind[] = ['none', 'string', 'buffer', 'blob', 'generator', 'stream'];

async function* produce(plan: Plan): AsyncGenerator<Buffer> {
  for (const [i, gap] of plan.gaps.entries()) {
    if (gap === 0) await new Promise((resolve) => setImmediate(resolve));
    else if (gap !== undefined) await new Promise((resolve) => setTimeout(resolve, gap));
    const piece = plan.pieces[i];
    if (piece !== undefined) yield piece;
  }
  if (plan.breaks) throw new Error(`the source of ${plan.id} broke off`);
}

function bodyOf(plan: Plan): unknown {
  const whole = Buffer.concat(plan.pieces);
  switch (plan.kind) {
    case 'none':
      return undefined;
    case 'string':
      return whole.toString('latin1');
    case 'buffer':
      return whole;
    case 'blob':
      return new Blob([whole]);
    case 'generator':
      return produce(plan);
    case 'stream':
      return Readable.from(produce(plan), { objectMode: false });
    case 'web stream':
      return ReadableStream.from(produce(plan));
  }
}

function headersOf(plan: Plan, declarable: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  if (plan.idempotencyKey) headers['idempotency-key'] = plan.id;
  const streamed = plan.kind === 'generator' || plan.kind === 'stream';
  if (declarable && plan.declaresLength && streamed && !plan.breaks) {
    headers['content-length'] = String(Buffer.concat(plan.pieces).length);
  }
  return headers;
}

function fetchClient(name: string, fetch: Undici['fetch'], extra: (plan: Plan) => { dispatcher?: Dispatcher }): Client {
  return {
    name,
    kinds: [...STREAMED.filter((kind) => kind !== 'generator' && kind !== 'stream'), 'web stream', 'generator'],
    async call(origin, plan, signal) {
      const options = { method: plan.method, body: bodyOf(plan), duplex: 'half', headers: headersOf(plan, false) };
      const response = await fetch(`${origin}/${plan.id}/x`, { ...options, signal, ...extra(plan) });
      const source = response.headers.get('resilience-source') ?? undefined;
      return { status: response.status, source, text: await response.text() };
    },
    close: async () => {},
  };
}

function npmClients(version: string): Client[] {
  const undici = load(`undici${version}`) as Undici;
  const agents = new Set<Dispatcher>();
  const shared = new undici.Agent();
  agents.add(shared);
  const native = undici.buildConnector({});
  /** For a call some of whose connections are refused: an agent of its own. */
  const agentFor = (plan: Plan): Dispatcher => {
    if (plan.refusals === 0) return shared;
    let refusals = plan.refusals;
    const connect: Connector = (options, done) => {
      if (refusals-- <= 0) return native(options, done);
      process.nextTick(done, Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), null);
    };
    const agent = new undici.Agent({ connect });
    agents.add(agent);
    return agent;
  };
  const optionsOf = (plan: Plan, signal: AbortSignal): object => ({
    method: plan.method,
    body: bodyOf(plan),
    headers: headersOf(plan, true),
    dispatcher: agentFor(plan),
    signal,
  });
  const close = async (): Promise<void> => {
    await Promise.all(Array.from(agents, (agent) => agent.destroy()));
    agents.clear();
  };
  return [
    {
      name: `undici ${version} request`,
      kinds: STREAMED,
      async call(origin, plan, signal) {
        const { statusCode, headers, body } = await undici.request(`${origin}/${plan.id}/x`, optionsOf(plan, signal));
        return { status: statusCode, source: headers['resilience-source'], text: await body.text() };
      },
      close,
    },
    {
      name: `undici ${version} stream`,
      kinds: STREAMED,
      async call(origin, plan, signal) {
        const chunks: Buffer[] = [];
        let head: { statusCode: number; headers: Record<string, string> } | undefined;
        await undici.stream(`${origin}/${plan.id}/x`, optionsOf(plan, signal), (data) => {
          head = data;
          return new Writable({
            write(chunk: Buffer, _encoding, done) {
              chunks.push(chunk);
              done();
            },
          });
        });
        const source = head?.headers['resilience-source'];
        return { status: head?.statusCode ?? 0, source, text: Buffer.concat(chunks).toString() };
      },
      close,
    },
    {
      name: `undici ${version} dispatch`,
      kinds: STREAMED,
      call: (origin, plan, signal) =>
        new Promise((resolve, reject) => {
          const options = { ...optionsOf(plan, signal), origin, path: `/${plan.id}/x`, signal: undefined };
          const handler = version === '8' ? controlled(resolve, reject, signal) : legacy(resolve, reject, signal);
          agentFor(plan).dispatch(options, handler);
        }),
      close,
    },
    fetchClient(`undici ${version} fetch`, undici.fetch, (plan) => ({ dispatcher: agentFor(plan) })),
  ];
}

type Settle = (seen: Seen) => void;

/** Settles once; a second end is a fault that no promise would show. */
class Once {
  #ended = false;
  readonly #chunks: Buffer[] = [];
  status = 0;
  source: string | undefined;

  data(chunk: Buffer): boolean {
    this.#chunks.push(Buffer.from(chunk));
    return true;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  end(): void {
    if (this.#ended)
      setImmediate(() => {
        throw new Error('a call ended twice');
      });
    this.#ended = true;
  }
}

function legacy(resolve: Settle, reject: (error: Error) => void, signal: AbortSignal): object {
  const state = new Once();
  return {
    onConnect(abort: (reason?: Error) => void) {
      if (signal.aborted) abort(signal.reason);
      else signal.addEventListener('abort', () => abort(signal.reason), { once: true });
    },
    onHeaders(status: number, raw: Buffer[]) {
      state.status = status;
      const at = raw.findIndex((item, i) => i % 2 === 0 && String(item).toLowerCase() === 'resilience-source');
      state.source = at < 0 ? undefined : String(raw[at + 1]);
      return true;
    },
    onData: (chunk: Buffer) => state.data(chunk),
    onComplete() {
      state.end();
      resolve({ status: state.status, source: state.source, text: state.text() });
    },
    onError(error: Error) {
      state.end();
      reject(error);
    },
  };
}

function controlled(resolve: Settle, reject: (error: Error) => void, signal: AbortSignal): object {
  const state = new Once();
  return {
    onRequestStart(controller: { abort(reason: Error): void }) {
      if (signal.aborted) controller.abort(signal.reason);
      else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
    },
    onResponseStart(_controller: object, status: number, headers: Record<string, string>) {
      state.status = status;
      state.source = headers['resilience-source'];
    },
    onResponseData: (_controller: object, chunk: Buffer) => state.data(chunk),
    onResponseEnd() {
      state.end();
      resolve({ status: state.status, source: state.source, text: state.text() });
    },
    onResponseError(_controller: object | null, error: Error) {
      state.end();
      reject(error);
    },
  };
}

export function allClients(): Client[] {
  const bundled = fetchClient(
    'global fetch',
    (url, options) => fetch(url, options),
    () => ({}),
  );
  return [bundled, ...VERSIONS.filter((version) => version !== '5').flatMap(npmClients)];
}
