import type { Socket } from 'node:net';

/**
 * The connections there are, of which there may be so many. A new one is never turned away: the one that has waited longest
 * without a request gives way to it. So whoever opens connections and says nothing, or says it one byte at a time, takes
 * places from his like only, and whoever sends a request gets an answer.
 */
export class ConnectionTable {
  readonly #limit: number;
  /** From the one whose last complete request is longest ago. */
  readonly #sockets = new Set<Socket>();
  readonly #spared: (socket: Socket) => boolean;

  /** `spared` connections are closed by nobody here; there must be fewer of them than `limit`. */
  constructor(limit: number, spared: (socket: Socket) => boolean) {
    this.#limit = limit;
    this.#spared = spared;
  }

  opened(socket: Socket): void {
    if (this.#sockets.size >= this.#limit) this.#closeOne();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  /** A request has come in whole, as far as its head goes. */
  asked(socket: Socket): void {
    if (this.#sockets.delete(socket)) this.#sockets.add(socket);
  }

  #closeOne(): void {
    for (const socket of this.#sockets) {
      if (this.#spared(socket)) continue;
      this.#sockets.delete(socket);
      socket.destroy();
      return;
    }
  }
}
