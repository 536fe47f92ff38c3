import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from './address.ts';

/** Why a request is refused, as it is answered. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly reason: string;
}

/**
 * Who may read and who may steer. A browser is the way in: any site it shows can send requests to this machine. So a
 * name that was rebound to our address is refused by its Host, foreign scripts by Origin and Fetch Metadata, and
 * actions need a token in a header that no form and no link can set.
 */
export class Admission {
  readonly #loopback: boolean;
  readonly #token: Buffer | undefined;

  /** `host` is the address listened on. */
  constructor(host: string, token: string | undefined) {
    this.#loopback = isLoopback(host);
    this.#token = token === undefined ? undefined : digest(token);
  }

  get actions(): boolean {
    return this.#token !== undefined;
  }

  /** For every request. `navigates`: to a page that holds nothing of anybody, which any link may lead to. */
  origin(headers: IncomingHttpHeaders, navigates: boolean): Refusal | undefined {
    if (!this.#isOurHost(headers.host)) return { status: 403, reason: 'this host name is not served here' };
    const { origin } = headers;
    if (origin !== undefined && origin !== `http://${headers.host}`) return FOREIGN;
    const site = headers['sec-fetch-site'];
    if (navigates || site === undefined || site === 'same-origin' || site === 'none') return undefined;
    return FOREIGN;
  }

  /** For what tells of the app: free on loopback, else for the token only. */
  reader(headers: IncomingHttpHeaders): Refusal | undefined {
    return this.#loopback ? undefined : this.#bearer(headers.authorization);
  }

  /** For what changes the app. */
  operator(headers: IncomingHttpHeaders): Refusal | undefined {
    if (this.#token === undefined)
      return { status: 403, reason: 'actions are off: OTEL_RESILIENCE_STATUS_TOKEN is not set' };
    return this.#bearer(headers.authorization);
  }

  #bearer(authorization: string | undefined): Refusal | undefined {
    const given = /^Bearer +(\S.*)$/i.exec(authorization ?? '')?.[1];
    // Digests, so that neither the time taken nor an exception tells the length.
    const known = given !== undefined && this.#token !== undefined && timingSafeEqual(digest(given), this.#token);
    return known ? undefined : { status: 401, reason: given === undefined ? 'token missing' : 'wrong token' };
  }

  /**
   * DNS rebinding takes a name. Loopback names are always ours: they reach us through a tunnel at most. Of other hosts only
   * addresses are, and only if we listen on more than loopback.
   */
  #isOurHost(header: string | undefined): boolean {
    const host = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+))(?::\d{1,5})?$/.exec(header ?? '')?.groups;
    const name = host?.v6 ?? host?.name;
    if (name === undefined) return false;
    if (name.toLowerCase() === 'localhost' || isLoopback(name)) return true;
    return !this.#loopback && isIP(name) !== 0;
  }
}

const FOREIGN: Refusal = { status: 403, reason: 'requests of other sites are refused' };

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
