import http from 'node:http';
import type { Socket } from 'node:net';
import { replaceProperty, resemble, type Undo, UndoStack } from '../patch.ts';
import type { RequestInternals, WriteCallback } from './internals.ts';
import { Stamp } from './request-hooks.ts';

/*
 * One set of overrides on the prototypes of request and response, for all requests, instead of own properties, closures
 * and listeners on each: an unwatched request costs a look for the stamp, and nobody sees a trace on its objects.
 */

type Method = (this: unknown, ...args: unknown[]) => unknown;

const requestPrototype = http.ClientRequest.prototype as unknown as Record<keyof RequestInternals | 'destroy', Method>;
const { onSocket: plainOnSocket, destroy: plainDestroy } = requestPrototype;

/** Node's own `onSocket`, past the sensor. */
export function giveSocket(request: http.ClientRequest, socket: Socket | null | undefined, error?: Error | null): void {
  plainOnSocket.call(request, socket, error);
}

/** Node's own `destroy`, past the sensor. */
export function destroyPlain(request: http.ClientRequest, error: Error | undefined): void {
  plainDestroy.call(request, error);
}

/** Never lets a fault of ours out into Node's client. */
function guarded<T>(report: (error: unknown) => void, ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch (error) {
    report(error);
    return otherwise;
  }
}

function requestEmit(report: (error: unknown) => void): Method {
  const inherited = http.OutgoingMessage.prototype as unknown as { emit: Method };
  return function emit(this: unknown, ...args: unknown[]): unknown {
    const watch = Stamp.of(this as object);
    if (watch !== undefined) {
      try {
        const answer = watch.requestEvent(args[0], args[1]);
        if (answer !== undefined) return answer;
      } catch (error) {
        report(error);
      }
    }
    return inherited.emit.apply(this, args);
  };
}

function responseEmit(report: (error: unknown) => void): Method {
  const inherited = Object.getPrototypeOf(http.IncomingMessage.prototype) as { emit: Method };
  return function emit(this: unknown, ...args: unknown[]): unknown {
    const type = args[0];
    if (type === 'end' || type === 'close' || type === 'aborted' || type === 'error') {
      const response = this as http.IncomingMessage & { req?: object | null };
      // Absent on what a server receives.
      const watch = response.req ? Stamp.of(response.req) : undefined;
      const answer = watch && guarded(report, () => watch.responseEvent(response, type, args[1]), undefined);
      if (answer !== undefined) return answer;
    }
    return inherited.emit.apply(this, args);
  };
}

function requestMethods(report: (error: unknown) => void): Partial<Record<keyof typeof requestPrototype, Method>> {
  const { destroy, onSocket, _writeRaw: writeRaw, _implicitHeader: implicitHeader } = requestPrototype;
  return {
    destroy(error) {
      const watch = Stamp.of(this as object);
      const mine = watch && guarded(report, () => watch.destroying(error as Error | undefined), false);
      return mine === true ? this : destroy.call(this, error);
    },
    // These two are on the path of every call: no closures.
    onSocket(socket, error) {
      const watch = Stamp.of(this as object);
      if (watch !== undefined) {
        try {
          if (watch.socketGiven(socket as Socket, error as Error | undefined)) return;
        } catch (fault) {
          report(fault);
        }
      }
      onSocket.call(this, socket, error);
    },
    _writeRaw(data, encoding, callback, size) {
      const watch = Stamp.of(this as object);
      if (watch === undefined) return writeRaw.call(this, data, encoding, callback, size);
      const swapped = typeof encoding === 'function';
      let put = (swapped ? encoding : callback) as WriteCallback | undefined;
      try {
        put = watch.writing(data as string, swapped ? null : encoding, put);
      } catch (fault) {
        report(fault);
      }
      return writeRaw.call(this, data, swapped ? null : encoding, put, size);
    },
    _implicitHeader() {
      implicitHeader.call(this);
      const watch = Stamp.of(this as object);
      if (watch !== undefined) guarded(report, () => watch.headRendered(), undefined);
    },
  };
}

/** Puts the sensors in place. */
export function installSensors(report: (error: unknown) => void): Undo {
  const undos = new UndoStack();
  const { emit } = http.ClientRequest.prototype;
  undos.add(replaceProperty(requestPrototype, 'emit', resemble(requestEmit(report), emit)));
  undos.add(replaceProperty(http.IncomingMessage.prototype, 'emit', resemble(responseEmit(report), emit)));
  for (const [name, method] of Object.entries(requestMethods(report))) {
    const original = requestPrototype[name as keyof typeof requestPrototype];
    undos.add(replaceProperty(requestPrototype, name, resemble(method, original)));
  }
  return () => undos.undo();
}
