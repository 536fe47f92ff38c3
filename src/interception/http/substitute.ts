import { STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Substitute } from '../../strategies/shared/contract.ts';

/** Of one connection, and so not of an answer that came over none. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'trailer', 'upgrade']);

/** An answer as an upstream would put it on the wire. */
export function substituteBytes(response: Substitute, method: string): Buffer {
  const { status } = response;
  const bodiless = status === 204 || status === 304;
  let head = `HTTP/1.1 ${status} ${response.statusText ?? STATUS_CODES[status] ?? ''}\r\n`;
  for (const [name, value] of response.headers) {
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || (key === 'content-length' && method !== 'HEAD' && status !== 304)) continue;
    head += `${name}: ${value}\r\n`;
  }
  if (!bodiless && method !== 'HEAD') head += `content-length: ${response.body.length}\r\n`;
  const body = bodiless || method === 'HEAD' ? new Uint8Array() : response.body;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}

/** A connection to nowhere: takes whatever is written, and says `answer` when told to. */
export class SubstituteSocket extends Socket {
  #answer: Buffer | undefined;

  constructor(answer: Buffer, secure: boolean) {
    super();
    this.#answer = answer;
    if (secure) Object.assign(this, { encrypted: true, authorized: true });
    // A socket without a handle would say 'closed'.
    Object.defineProperty(this, 'readyState', { value: 'open', configurable: true });
    // Nobody else wants it when the exchange is over.
    this.on('free', () => this.destroy());
  }

  answer(): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer !== undefined && !this.destroyed) this.push(answer);
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    done();
  }

  override _writev(_chunks: unknown, done: (error?: Error | null) => void): void {
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    done();
  }
}
