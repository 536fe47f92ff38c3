import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How many may listen at one time. */
const MAX_LISTENERS = 8;
/** Bytes that wait for a listener who does not read: about two of the largest snapshots. */
const MAX_WAITING = 4 * 1024 * 1024;

/** Server-sent events to whoever listens. One who reads too slowly is dropped, and may come again. */
export class EventStream {
  readonly #listeners = new Set<ServerResponse>();

  /** A listener who does not read what he got makes room for another. */
  get full(): boolean {
    if (this.#listeners.size < MAX_LISTENERS) return false;
    const [behind] = [...this.#listeners].toSorted((a, b) => b.writableLength - a.writableLength);
    if (behind === undefined || behind.writableLength === 0) return true;
    this.#drop(behind);
    return false;
  }

  /** Whether that is the connection of a listener. */
  has(socket: Socket): boolean {
    for (const response of this.#listeners) if (response.socket === socket) return true;
    return false;
  }

  get listening(): boolean {
    return this.#listeners.size > 0;
  }

  add(response: ServerResponse, first: object): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    this.#listeners.add(response);
    response.on('close', () => this.#listeners.delete(response));
    response.write(encode('snapshot', first));
  }

  send(event: string, data: object): void {
    if (this.listening) this.#write(encode(event, data));
  }

  /** A comment, which keeps idle connections from being taken for dead. */
  heartbeat(): void {
    this.#write(Buffer.from(': heartbeat\n\n'));
  }

  /** One buffer for all, so that listeners who are behind share it. */
  #write(bytes: Buffer): void {
    for (const response of this.#listeners) {
      if (response.writableLength + bytes.length > MAX_WAITING) this.#drop(response);
      else response.write(bytes);
    }
  }

  #drop(response: ServerResponse): void {
    this.#listeners.delete(response);
    response.destroy();
  }
}

/** JSON has no line breaks, so that one `data` line takes it all. */
function encode(event: string, data: object): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
