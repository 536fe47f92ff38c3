import { endsAtHead, endToEnd, type Field, isBodiless, isFieldName, isFieldValue } from '../../common/http-fields.ts';
import type { Substitute } from '../shared/contract.ts';
import { SOURCE_HEADER, unlessSaid } from './substitute-marks.ts';

/** A longer answer of a handler is no answer: it has to be whole in memory. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** What is used of a `Response`, whichever copy of undici made it. */
interface ResponseLike {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly headers: Iterable<Field>;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly bodyUsed: boolean;
}

/** What is wrong with an answer; the message goes on where a sentence says "the handler returned". */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

/** Makes a substitute of what a handler returned, or throws an error that says what is wrong with it. */
export class HandlerAnswerReader {
  readonly #method: string;
  #stream: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #cancelled = false;

  constructor(method: string) {
    this.#method = method;
  }

  /** The answer is not wanted any more, whether it is being read or still to come. */
  cancel(): void {
    this.#cancelled = true;
    this.#stream?.cancel().catch(() => {});
  }

  async read(answer: unknown): Promise<Substitute | undefined> {
    if (answer === undefined) return undefined;
    if (isResponse(answer)) return this.#readResponse(answer);
    return this.#substitute(parseSubstitute(answer));
  }

  async #readResponse(response: ResponseLike): Promise<Substitute> {
    if (response.bodyUsed) throw new BadAnswer('a Response whose body has been read');
    const status = checkStatus(response.status);
    const body = await this.#bodyOf(response);
    // What fetch gave is decoded already; what the handler built itself is as it says.
    const decoded = response.url !== '';
    const headers = [...response.headers].filter(([name]) => !(decoded && name === 'content-encoding'));
    return this.#substitute({ status, statusText: response.statusText, headers, body });
  }

  async #bodyOf({ body }: ResponseLike): Promise<Uint8Array> {
    if (body === null) return new Uint8Array();
    const reader = body.getReader();
    this.#stream = reader;
    if (this.#cancelled) this.cancel();
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (let item = await reader.read(); !item.done; item = await reader.read()) {
      if (!(item.value instanceof Uint8Array)) throw new BadAnswer('a body that is not of bytes');
      bytes += item.value.byteLength;
      if (bytes > MAX_BODY_BYTES) {
        this.cancel();
        throw new BadAnswer(`a body of more than ${MAX_BODY_BYTES} bytes`);
      }
      chunks.push(item.value);
    }
    return new Uint8Array(Buffer.concat(chunks));
  }

  #substitute({ status, statusText, headers, body }: Substitute): Substitute {
    const fields = unlessSaid(endToEnd(headers));
    if (!fields.some(([name]) => name === SOURCE_HEADER)) fields.push([SOURCE_HEADER, 'degraded']);
    const content = isBodiless(status) ? new Uint8Array() : body;
    if (!endsAtHead(status)) fields.push(['content-length', String(content.byteLength)]);
    const sent = this.#method === 'HEAD' ? new Uint8Array() : content;
    const text = statusText === undefined || !isFieldValue(statusText) ? '' : statusText;
    return { status, headers: fields, body: sent, ...(text === '' ? {} : { statusText: text }) };
  }
}

function isResponse(answer: unknown): answer is ResponseLike {
  if (typeof answer !== 'object' || answer === null) return false;
  const { arrayBuffer, headers, body } = answer as { arrayBuffer?: unknown; headers?: unknown; body?: unknown };
  if (typeof arrayBuffer !== 'function' || !isIterable(headers)) return false;
  return body === null || typeof (body as { getReader?: unknown } | undefined)?.getReader === 'function';
}

/** Handlers in plain JavaScript: what the types promise is checked here. */
function parseSubstitute(answer: unknown): Substitute {
  if (typeof answer !== 'object' || answer === null) {
    throw new BadAnswer(`${answer === null ? 'null' : `a ${typeof answer}`}, not a response`);
  }
  const { status, statusText, headers, body } = answer as Partial<Record<keyof Substitute, unknown>>;
  return {
    status: checkStatus(status),
    headers: parseHeaders(headers),
    body: parseBody(body),
    ...(typeof statusText === 'string' ? { statusText } : {}),
  };
}

function checkStatus(status: unknown): number {
  if (typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599) return status;
  throw new BadAnswer(`a response with status ${String(status)}`);
}

function parseHeaders(headers: unknown): Field[] {
  if (headers === undefined) return [];
  if (typeof headers !== 'object' || headers === null) throw badHeaders();
  const pairs: unknown[] = isIterable(headers) ? [...headers] : Object.entries(headers);
  return pairs.map((pair) => {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof name !== 'string' || !isFieldName(name)) throw badHeaders();
    if (typeof value !== 'string' || !isFieldValue(value)) throw badHeaders();
    return [name, value];
  });
}

function badHeaders(): BadAnswer {
  return new BadAnswer('headers that are no [name, value] pairs of an HTTP message');
}

function parseBody(body: unknown): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === 'string') return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body.slice();
  throw new BadAnswer('a body that is neither bytes nor text');
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
