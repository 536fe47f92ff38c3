import { context } from '@opentelemetry/api';
import { currentRequestId, requestIdIn, watchIncomingRequestIds } from './request-context.ts';

/** What is done with request ids, beside telling those that `withRequestContext` names. */
export interface RequestIdSettings {
  /** The header of incoming requests that has their id; undefined: not looked at. */
  readonly incoming: string | undefined;
  /** The header to tell it on in with outgoing calls; undefined: not told. */
  readonly outgoing: string | undefined;
}

type Field = readonly [name: string, value: string];

const MAX_LENGTH = 256;
/** What any server takes for a field value. Anything else would make Node refuse the app's call. */
const SENDABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Takes the ids of incoming requests up, and hands them on to outgoing calls. */
export class RequestIdHeader {
  #settings: RequestIdSettings = { incoming: undefined, outgoing: undefined };
  #stopWatching: (() => void) | undefined;

  configure(settings: RequestIdSettings): void {
    if (settings.incoming !== this.#settings.incoming) {
      this.#stopWatching?.();
      this.#stopWatching = settings.incoming === undefined ? undefined : watchIncomingRequestIds(settings.incoming);
    }
    this.#settings = settings;
  }

  /** The field for a call that is being made now. On the path of every call under a policy. */
  fields(): readonly Field[] | undefined {
    const { outgoing } = this.#settings;
    if (outgoing === undefined) return undefined;
    const id = currentRequestId() ?? requestIdIn(context.active());
    if (id === undefined || id.length > MAX_LENGTH || !SENDABLE.test(id)) return undefined;
    return [[outgoing, id]];
  }
}
