import { Readable, Writable } from 'node:stream';
import { pipeline as pump } from 'node:stream/promises';
import {
  loadUndici,
  NODE_MAJOR,
  type UndiciDispatcher,
  type UndiciHead,
  type UndiciModule,
  VERSIONS,
} from './undici-module.ts';

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | FormData;
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly status: number;
  header(name: string): string | undefined;
  /** Reads the body to its end. */
  text(): Promise<string>;
}

/** One way an app makes calls through undici. */
export interface EntryPoint {
  readonly name: string;
  /** Calls of fetch: they decode, and wrap errors. */
  readonly fetch: boolean;
  /** The response can be had before its body has ended. */
  readonly early: boolean;
  /** A pipeline's request body is a stream, and it takes no signal the others take. */
  readonly pipeline: boolean;
  readonly FormData: typeof FormData | undefined;
  send(origin: string, ask?: Ask): Promise<Reply>;
  close(): Promise<void>;
}

type Send = (origin: string, ask: Ask) => Promise<Reply>;

/** Dispatchers for one origin each, made when first needed. */
class Dispatchers {
  readonly #made = new Map<string, UndiciDispatcher>();
  readonly #make: (origin: string) => UndiciDispatcher;

  constructor(make: (origin: string) => UndiciDispatcher) {
    this.#make = make;
  }

  get(origin: string): UndiciDispatcher {
    const known = this.#made.get(origin) ?? this.#make(origin);
    this.#made.set(origin, known);
    return known;
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#made.values(), (dispatcher) => dispatcher.destroy()));
    this.#made.clear();
  }
}

function entry(name: string, send: Send, traits: Partial<EntryPoint> = {}): EntryPoint {
  return {
    name,
    fetch: false,
    early: true,
    pipeline: false,
    FormData: undefined,
    close: () => Promise.resolve(),
    ...traits,
    send: (origin, ask = {}) => send(origin, ask),
  };
}

function fieldOf(headers: UndiciHead['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function collector(): { writable: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk as Buffer);
      done();
    },
  });
  return { writable, text: () => Buffer.concat(chunks).toString('latin1') };
}

function undiciBody(body: Ask['body']): unknown {
  return typeof body === 'object' && Symbol.asyncIterator in body ? Readable.from(body, { objectMode: false }) : body;
}

function viaFetch(fetch: (url: string, options?: object) => Promise<Response>, extra: object = {}): Send {
  return async (origin, { path = '/', ...ask }) => {
    const response = await fetch(origin + path, { ...ask, duplex: 'half', ...extra });
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      text: async () => Buffer.from(await response.arrayBuffer()).toString('latin1'),
    };
  };
}

function viaRequest(
  request: (origin: string, path: string, options: object) => ReturnType<UndiciModule['request']>,
): Send {
  return async (origin, { path = '/', body, ...ask }) => {
    const {
      statusCode,
      headers,
      body: stream,
    } = await request(origin, path, {
      method: 'GET',
      ...ask,
      ...(body === undefined ? {} : { body: undiciBody(body) }),
    });
    return {
      status: statusCode,
      header: (name) => fieldOf(headers, name),
      async text() {
        const { writable, text } = collector();
        await pump(stream, writable);
        return text();
      },
    };
  };
}

function viaStream(undici: UndiciModule): Send {
  return async (origin, { path = '/', body, ...ask }) => {
    const { writable, text } = collector();
    let head: UndiciHead | undefined;
    const options = { method: 'GET', ...ask, ...(body === undefined ? {} : { body: undiciBody(body) }) };
    await undici.stream(origin + path, options, (data) => {
      head = data;
      return writable;
    });
    return {
      status: head?.statusCode ?? 0,
      header: (name) => fieldOf(head?.headers ?? {}, name),
      text: () => Promise.resolve(text()),
    };
  };
}

function viaPipeline(undici: UndiciModule): Send {
  return async (origin, { path = '/', body, ...ask }) => {
    const { writable, text } = collector();
    let head: UndiciHead | undefined;
    const source =
      body === undefined
        ? Readable.from([])
        : Readable.from(typeof body === 'string' ? [Buffer.from(body)] : (body as AsyncIterable<Uint8Array>));
    const duplex = undici.pipeline(origin + path, { method: 'GET', ...ask }, (data) => {
      head = data;
      return data.body;
    });
    await pump(source, duplex, writable);
    return {
      status: head?.statusCode ?? 0,
      header: (name) => fieldOf(head?.headers ?? {}, name),
      text: () => Promise.resolve(text()),
    };
  };
}

function entryPointsOf(version: string): EntryPoint[] {
  const undici = loadUndici(version);
  const onOne = (make: (origin: string) => UndiciDispatcher): [Send, Partial<EntryPoint>] => {
    const dispatchers = new Dispatchers(make);
    const send = viaRequest((origin, path, options) => dispatchers.get(origin).request({ ...options, path }));
    return [send, { close: () => dispatchers.close() }];
  };
  const through = (dispatcher: UndiciDispatcher): Send =>
    viaRequest((origin, path, options) => undici.request(origin + path, { ...options, dispatcher }));
  const points = [
    entry(
      'request',
      viaRequest((origin, path, options) => undici.request(origin + path, options)),
    ),
    entry('stream', viaStream(undici), { early: false }),
    entry('pipeline', viaPipeline(undici), { early: false, pipeline: true }),
    entry('fetch', viaFetch(undici.fetch), { fetch: true, FormData: undici.FormData }),
    entry('Agent', through(new undici.Agent())),
    entry('Pool', ...onOne((origin) => new undici.Pool(origin, { connections: 2 }))),
    entry('Client', ...onOne((origin) => new undici.Client(origin))),
  ];
  const composed = new undici.Agent().compose?.((dispatch) => (options, handler) => dispatch(options, handler));
  if (composed !== undefined) points.push(entry('composed', through(composed)));
  if (undici.RetryAgent !== undefined) {
    points.push(entry('RetryAgent', through(new undici.RetryAgent(new undici.Agent(), { maxRetries: 0 }))));
  }
  const agent = new undici.Agent();
  // Handlers of the two styles don't mix across versions natively either.
  const mixes = NODE_MAJOR >= 26 ? Number(version) >= 7 : Number(version) <= 7;
  if (mixes) {
    points.push(
      entry(
        'Agent under global fetch',
        viaFetch((url, o) => fetch(url, o), { dispatcher: agent }),
        { fetch: true, FormData },
      ),
    );
  }
  return points.map((point) => ({ ...point, name: `undici ${version} ${point.name}` }));
}

export function allEntryPoints(): EntryPoint[] {
  return [
    entry(
      'global fetch',
      viaFetch((url, options) => fetch(url, options)),
      { fetch: true, FormData },
    ),
    ...VERSIONS.flatMap(entryPointsOf),
  ];
}

/** The error the app cares about: fetch wraps it. */
export function causeOf(error: unknown, point: EntryPoint): { name?: string; code?: string; message?: string } {
  const shown = error as { cause?: object; name?: string };
  return (point.fetch && shown.name === 'TypeError' ? (shown.cause ?? shown) : shown) as { code?: string };
}
