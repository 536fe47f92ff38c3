import { STATUS_CODES } from 'node:http';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Substitute } from '../../../strategies/shared/contract.ts';

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

const { setImmediate: startImmediate } = globalThis;

type Done = (error?: Error | null) => void;

/**
 * A connection to nowhere: takes whatever is written, and answers once the first of it, which is the request's head,
 * has come; as an upstream may that has made up its mind early. A request whose body came along is finished by then.
 */
export class SubstituteSocket extends Socket {
  #answer: Buffer | undefined;
  #answering = false;

  constructor(answer: Buffer) {
    // Whatever is written is gone at once. And a 'drain' would not reach the app any more: with the end of the response
    // Node has stopped listening for it.
    super({ writableHighWaterMark: Number.MAX_SAFE_INTEGER } as SocketConstructorOpts);
    this.#answer = answer;
    // A socket without a handle would say 'closed'.
    Object.defineProperty(this, 'readyState', { value: 'open', configurable: true });
    // Nobody else wants it when the exchange is over.
    this.on('free', () => this.destroy());
  }

  #begin(): void {
    if (this.#answering) return;
    this.#answering = true;
    startImmediate(() => {
      const answer = this.#answer;
      this.#answer = undefined;
      if (answer !== undefined && !this.destroyed) this.push(answer);
    });
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: Done): void {
    this.#begin();
    done();
  }

  override _writev(_chunks: unknown, done: Done): void {
    this.#begin();
    done();
  }

  override _final(done: Done): void {
    done();
  }
}

/** What an app may ask a TLS connection, answered as by one whose other side has shown no certificate. */
const TLS_ANSWERS: Readonly<Record<string, unknown>> = {
  getCertificate: {},
  getCipher: { name: 'TLS_AES_256_GCM_SHA384', standardName: 'TLS_AES_256_GCM_SHA384', version: 'TLSv1.3' },
  getEphemeralKeyInfo: {},
  getFinished: undefined,
  getPeerCertificate: {},
  getPeerFinished: undefined,
  getPeerX509Certificate: undefined,
  getProtocol: 'TLSv1.3',
  getSession: undefined,
  getSharedSigalgs: [],
  getTLSTicket: undefined,
  getX509Certificate: undefined,
  isSessionReused: false,
  exportKeyingMaterial: Buffer.alloc(0),
  renegotiate: false,
  setMaxSendFragment: true,
};

/** The same for a call by TLS. */
export class SecureSubstituteSocket extends SubstituteSocket {
  readonly encrypted = true;
  readonly authorized = true;
  readonly authorizationError = null;
  readonly alpnProtocol = false;
  readonly servername = false;

  enableTrace(): void {}
  disableRenegotiation(): void {}
  setServername(): void {}
}

for (const [name, answer] of Object.entries(TLS_ANSWERS)) {
  Object.defineProperty(SecureSubstituteSocket.prototype, name, {
    configurable: true,
    writable: true,
    // Each caller its own: an app may write to what it gets.
    value: () => (typeof answer === 'object' && answer !== null ? structuredClone(answer) : answer),
  });
}

/** A socket that gives this answer to a request by `method`. */
export function substituteSocket(response: Substitute, method: string, secure: boolean): Socket {
  const bytes = substituteBytes(response, method);
  return secure ? new SecureSubstituteSocket(bytes) : new SubstituteSocket(bytes);
}
