import { type Channel, channel } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { replaceProperty, type Undo, UndoStack } from '../../patch.ts';
import { RequestBrand } from './request-hooks.ts';

type Publish = (message: unknown) => void;

const CREATED = 'http.client.request.created';

/** Kept: a channel that nobody holds is another one the next time. */
const CHANNELS: readonly Channel[] = [
  channel(CREATED),
  channel('http.client.request.start'),
  channel('http.client.request.error'),
  channel('http.client.response.finish'),
];

let unseen = 0;

/** Makes a request that is no attempt: nobody hears of it. */
export function makeUnseen<T>(make: () => T): T {
  unseen++;
  try {
    return make();
  } finally {
    unseen--;
  }
}

/** What subscribers are to hear in the place of `message`; undefined: nothing, as no attempt is concerned. */
function translated(name: string | symbol, message: unknown): unknown {
  if (name === CREATED) return unseen > 0 ? undefined : message;
  const request = (message as { request?: ClientRequest } | null)?.request;
  const hooks = request && RequestBrand.of(request);
  if (request === undefined || hooks === undefined) return message;
  const attempt = hooks.attemptOf(request);
  if (attempt === request) return message;
  return attempt && { ...(message as object), request: attempt };
}

/**
 * Node publishes of the request whose connection it is, and that is the caller's one for all attempts of its call. Each
 * message is to name the request that was made for the attempt: the one that was told of as created.
 */
export function patchChannels(report: (error: unknown) => void): Undo {
  const undos = new UndoStack();
  for (const one of CHANNELS) {
    const own = Object.hasOwn(one, 'publish') ? (one.publish as Publish) : undefined;
    const publish = (message: unknown): void => {
      let told = message;
      try {
        told = translated(one.name, message);
      } catch (error) {
        report(error);
      }
      // Looked up each time: it is another one while nobody has subscribed.
      const inherited = own ?? (Object.getPrototypeOf(one) as { publish: Publish }).publish;
      if (told !== undefined) inherited.call(one, told);
    };
    undos.add(replaceProperty(one, 'publish', publish));
  }
  return () => undos.undo();
}
