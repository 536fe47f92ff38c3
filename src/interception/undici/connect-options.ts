import { createHash } from 'node:crypto';
import net from 'node:net';
import type { Dispatcher } from './undici-types.ts';

/** What the settings of a dispatcher's connections say of its calls. */
export interface Ties {
  /** All its connections go to this socket of the file system, whatever the origin. */
  readonly socketPath: string | undefined;
  /** They go to a place, or under an identity, that the app chose. */
  readonly pinned: boolean;
  /** The identity, as one string. */
  readonly credentials: string | undefined;
}

export const NO_TIES: Ties = { socketPath: undefined, pinned: false, credentials: undefined };

type Connector = (options: object, callback: () => void) => unknown;

const IDENTITY = ['cert', 'key', 'pfx', 'passphrase', 'secureContext', 'pskCallback'];
const PLACE = ['path', 'socketPath', 'socket', 'lookup', 'servername', 'checkServerIdentity'];

/** Names functions and contexts, which cannot be written down. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/** Reads the settings off the fields in which undici's dispatchers keep them: `options`, `connector`, … */
export function tiesOf(dispatcher: Dispatcher): Ties {
  let found = NO_TIES;
  for (const key of Object.getOwnPropertySymbols(dispatcher)) {
    const value: unknown = Object.getOwnPropertyDescriptor(dispatcher, key)?.value;
    if (value === null || value === undefined) continue;
    if (key.description === 'connector') found = join(found, tiesOfConnect(value));
    else if (key.description === 'request tls settings') found = join(found, tiesOfSettings(value));
    else if (key.description === 'options') found = join(found, tiesOfOptions(value));
  }
  return found;
}

function tiesOfOptions(options: unknown): Ties {
  if (typeof options !== 'object' || options === null) return NO_TIES;
  const { connect, tls: secure, socketPath } = options as { connect?: unknown; tls?: unknown; socketPath?: unknown };
  return join(join(tiesOfSettings({ socketPath }), tiesOfSettings(secure)), tiesOfConnect(connect));
}

function tiesOfConnect(connect: unknown): Ties {
  if (typeof connect !== 'function') return tiesOfSettings(connect);
  const settings = settingsOf(connect as Connector);
  // A function of the app's own: nobody can tell where it goes, nor as whom.
  return settings === undefined
    ? { socketPath: undefined, pinned: true, credentials: describe(connect) }
    : tiesOfSettings(settings);
}

function tiesOfSettings(settings: unknown): Ties {
  if (typeof settings !== 'object' || settings === null) return NO_TIES;
  const fields = settings as Record<string, unknown>;
  const identity = IDENTITY.filter((name) => isSet(fields[name]));
  const socketPath = [fields.socketPath, fields.path].find((path) => typeof path === 'string' && path !== '');
  const pinned =
    identity.length > 0 || PLACE.some((name) => isSet(fields[name])) || fields.rejectUnauthorized === false;
  if (!pinned) return NO_TIES;
  return {
    socketPath: socketPath as string | undefined,
    pinned,
    credentials:
      identity.length === 0 ? undefined : identity.map((name) => `${name}=${describe(fields[name])}`).join(';'),
  };
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function join(one: Ties, other: Ties): Ties {
  if (!one.pinned) return other;
  if (!other.pinned) return one;
  const credentials = [one.credentials, other.credentials].filter((text) => text !== undefined);
  return {
    socketPath: one.socketPath ?? other.socketPath,
    pinned: true,
    credentials: credentials.length === 0 ? undefined : credentials.join(';'),
  };
}

/** The same for the same value; secrets by their hash. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return value.map(describe).join(',');
  if (typeof value === 'string' || value instanceof Uint8Array)
    return createHash('sha256').update(value).digest('base64');
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return String(value);
  const plain = Object.getPrototypeOf(value) === Object.prototype;
  if (plain)
    return Object.entries(value)
      .map(([name, field]) => `${name}:${describe(field)}`)
      .join(',');
  const number = numbers.get(value) ?? ++lastNumber;
  numbers.set(value, number);
  return `#${number}`;
}

/**
 * The settings within a connect function of undici's own making, which has them in its closure: it is asked to connect
 * while `net.connect` only notes what it is given. Undefined: not such a function.
 */
function settingsOf(connect: Connector): object | undefined {
  const source = Function.prototype.toString.call(connect);
  if (!source.includes('httpSocket') || !source.includes('sessionCache')) return undefined;
  const descriptor = Object.getOwnPropertyDescriptor(net, 'connect');
  if (descriptor?.configurable !== true) return undefined;
  let settings: object | undefined;
  const value = (options: object): never => {
    settings = options;
    throw new Error('nothing is to be connected');
  };
  Object.defineProperty(net, 'connect', { ...descriptor, value });
  try {
    connect({ hostname: 'localhost', host: 'localhost', protocol: 'http:', port: 1 }, () => {});
  } catch {
    // As arranged.
  } finally {
    Object.defineProperty(net, 'connect', descriptor);
  }
  return settings;
}
