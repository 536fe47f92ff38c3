import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import zlib from 'node:zlib';
import { CERTIFICATE } from '../support/upstream.ts';

const KEY = path.resolve(__dirname, '../../../test/support/tls/localhost-key.pem');

/** A request as a vendor's agent sent it, its content unpacked. */
export interface Export {
  readonly url: string;
  readonly body: Buffer;
}

/** Gives the JSON of an answer; `host` is the address of the intake. */
export type Answer = (url: string, host: string) => unknown;

/** Stands in for the service of a vendor. */
export class Intake extends EventEmitter<{ answered: [] }> {
  readonly exports: Export[] = [];
  /** Answered to everything instead of what is due. */
  outage: number | undefined;
  refused = 0;
  readonly #server: http.Server | https.Server;

  private constructor(secure: boolean, answer: Answer) {
    super();
    const serve = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      void this.#serve(request, response, answer);
    };
    const tls = () => ({ key: readFileSync(KEY), cert: readFileSync(CERTIFICATE) });
    this.#server = secure ? https.createServer(tls(), serve) : http.createServer(serve);
  }

  static async start(options: { secure?: boolean; answer?: Answer } = {}): Promise<Intake> {
    const intake = new Intake(options.secure ?? false, options.answer ?? (() => ({})));
    intake.#server.listen(0, '127.0.0.1');
    await once(intake.#server, 'listening');
    return intake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves with the next answer, whatever it says. */
  async changed(): Promise<void> {
    await once(this, 'answered');
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse, answer: Answer) {
    const chunks: Buffer[] = [];
    // An agent that ends while it sends.
    request.on('error', () => {});
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { url = '' } = request;
    if (this.outage === undefined) this.exports.push({ url, body: unpack(request, Buffer.concat(chunks)) });
    else this.refused++;
    const text = JSON.stringify(answer(url, `127.0.0.1:${this.port}`));
    response.writeHead(this.outage ?? 200, { 'content-type': 'application/json' }).end(text);
    this.emit('answered');
  }
}

function unpack(request: http.IncomingMessage, body: Buffer): Buffer {
  const encoding = request.headers['content-encoding'];
  if (encoding === 'gzip') return zlib.gunzipSync(body, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  if (encoding === 'deflate') return zlib.inflateSync(body, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  return body;
}
