import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Resilience } from '../resilience.ts';
import type { Admission, Refusal } from './access-control.ts';
import type { CircuitAction } from './document.ts';
import type { EventStream } from './event-stream.ts';
import type { PageAsset } from './page-asset.ts';
import type { Recorder } from './recorder.ts';

/** More than the longest name takes. */
const MAX_BODY = 4096;
const RETRY_AFTER_S = '5';

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

export interface RoutesOptions {
  readonly resilience: Resilience;
  readonly recorder: Recorder;
  readonly stream: EventStream;
  readonly admission: Admission;
  readonly page: PageAsset;
}

/** Answers the requests to the page server. No answer allows another origin to read it. */
export class Routes {
  readonly #options: RoutesOptions;

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const path = request.url?.split('?', 1)[0] ?? '/';
    const refusal = this.#options.admission.origin(request.headers, path === '/');
    if (refusal !== undefined) return refuse(response, refusal);
    const action = /^\/circuits\/(probe-now|force-open|force-closed|reset)$/.exec(path)?.[1] as
      | CircuitAction
      | undefined;
    const allowed = action === undefined ? ['GET', 'HEAD'] : ['POST'];
    const known = action !== undefined || ['/', '/status', '/events', '/healthz'].includes(path);
    if (!known) return fail(response, 404, 'no such page');
    if (!allowed.includes(request.method ?? '')) {
      response.setHeader('allow', allowed.join(', '));
      return fail(response, 405, `${allowed.join(' or ')} only`);
    }
    if (action === undefined) this.#read(path, request, response);
    else this.#steer(action, request, response);
  }

  #read(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { admission, page, recorder } = this.#options;
    if (path === '/') {
      response.setHeader('content-security-policy', page.policy);
      return send(response, 200, 'text/html; charset=utf-8', page.html);
    }
    if (path === '/healthz') return send(response, 200, 'text/plain; charset=utf-8', 'ok\n');
    const refusal = admission.reader(request.headers);
    if (refusal !== undefined) return refuse(response, refusal);
    if (path === '/status') return sendJson(response, 200, recorder.document());
    this.#listen(request, response);
  }

  #listen(request: IncomingMessage, response: ServerResponse): void {
    const { recorder, stream } = this.#options;
    if (request.method === 'HEAD') return send(response, 200, 'text/event-stream; charset=utf-8', '');
    if (stream.full) {
      response.setHeader('retry-after', RETRY_AFTER_S);
      return fail(response, 503, 'too many listeners');
    }
    stream.add(response, recorder.document());
  }

  #steer(action: CircuitAction, request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#options.admission.operator(request.headers);
    if (refusal !== undefined) return refuse(response, refusal);
    // What no form can send, so that a browser asks us first before it does for another site; and we never say yes.
    if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
      return fail(response, 415, 'application/json only');
    }
    readBody(request, (body) => {
      if (body === undefined) return fail(response, 413, `${MAX_BODY} bytes at most`);
      const name = nameIn(body);
      if (name === undefined) return fail(response, 400, 'expected {"name": "<circuit>"}');
      const circuit = this.#options.resilience.circuit(name);
      if (circuit === undefined) return fail(response, 404, 'no such circuit; circuits exist from the first call on');
      if (action === 'probe-now') circuit.probeNow();
      else if (action === 'force-open') circuit.forceOpen();
      else if (action === 'force-closed') circuit.forceClosed();
      else circuit.reset();
      sendJson(response, 200, { name, state: circuit.state });
    });
  }
}

/** `done` gets undefined when the body is longer than allowed; nothing when the caller goes away. */
function readBody(request: IncomingMessage, done: (body: string | undefined) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY) chunks.push(chunk);
    else if (length - chunk.length <= MAX_BODY) done(undefined);
  });
  request.on('end', () => {
    if (length <= MAX_BODY) done(Buffer.concat(chunks).toString());
  });
}

function nameIn(body: string): string | undefined {
  try {
    const given: unknown = JSON.parse(body);
    const name: unknown = typeof given === 'object' && given !== null ? Reflect.get(given, 'name') : undefined;
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, { status, reason }: Refusal): void {
  if (status === 401) response.setHeader('www-authenticate', 'Bearer realm="resilience status"');
  fail(response, status, reason);
}

/** The connection ends with it: what may still come of the request is not worth reading. */
function fail(response: ServerResponse, status: number, error: string): void {
  response.setHeader('connection', 'close');
  sendJson(response, status, { error });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}
