import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import type { HttpModule } from '../patch/patched-module.ts';
import type { CallOptions, CallTarget } from './call-target.ts';

/** Options that say who calls. */
const IDENTITY = [
  'cert',
  'key',
  'pfx',
  'passphrase',
  'secureContext',
  'clientCertEngine',
  'privateKeyIdentifier',
] as const;

/** Options that say how to get to the place the app means, and to what it trusts there: of no use at another. */
export const PLACE = [
  'socketPath',
  'createConnection',
  'lookup',
  'servername',
  'localAddress',
  'checkServerIdentity',
  'session',
  'ALPNCallback',
  'pskCallback',
] as const;

/** What of the app's options stays with the origin that it set them for. */
export const HOME_OPTIONS: readonly string[] = [...IDENTITY, ...PLACE, 'rejectUnauthorized', 'auth'];

/** In an agent's options: they go before those of the call. */
const PLACE_OF_AGENT = [...PLACE, 'host', 'port'] as const;

type Settings = Readonly<Record<string, unknown>>;

interface AnyAgent {
  readonly options?: Settings | undefined;
  readonly createConnection?: unknown;
  readonly addRequest?: unknown;
}

/** The agent that Node will take; undefined if the call goes without. */
export function agentFor(options: CallOptions | undefined, module: HttpModule): AnyAgent | undefined {
  const agent: unknown = options?.agent;
  if (agent === false) return undefined;
  if (agent !== undefined && agent !== null) return agent as AnyAgent;
  if (typeof options?.createConnection === 'function') return undefined;
  return (options?._defaultAgent ?? module.globalAgent) as AnyAgent;
}

const ids = new WeakMap<object, string>();

/** Names an object that cannot be written down: the same name only for the very same one. */
function nameOf(value: object): string {
  const known = ids.get(value);
  if (known !== undefined) return known;
  const id = `#${performance.now()}-${Math.random()}`;
  ids.set(value, id);
  return id;
}

function written(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return nameOf(value);
  return Object.entries(value).map(([name, inner]) => [name, written(inner)]);
}

/** What names the caller apart from its headers, as one string; undefined: nothing does. */
export function credentialsOf(target: CallTarget, module: HttpModule): string | undefined {
  const options = target.options as Settings | undefined;
  const agent = agentFor(target.options, module);
  const found: unknown[] = [];
  for (const name of IDENTITY) {
    // As in Node, where the agent's own options go before the call's.
    const value = agent?.options?.[name] ?? options?.[name];
    if (value !== undefined && value !== null) found.push([name, written(value)]);
  }
  const auth = options?.auth ?? userinfoOf(target.url);
  if (auth) found.push(['auth', String(auth)]);
  if (agent !== undefined && typeof agent.options !== 'object') found.push(['agent', nameOf(agent)]);
  return found.length === 0 ? undefined : JSON.stringify(found);
}

function userinfoOf(url: URL | undefined): string | undefined {
  return url?.username || url?.password ? `${url.username}:${url.password}` : undefined;
}

/** Whether the call has to stay where the app sent it. */
export function isPinned(target: CallTarget, module: HttpModule): boolean {
  const options = target.options as Settings | undefined;
  if (options !== undefined && (hasAny(options, IDENTITY) || hasAny(options, PLACE))) return true;
  if (options?.rejectUnauthorized === false) return true;
  const agent = agentFor(target.options, module);
  return agent !== undefined && isPinning(agent);
}

function hasAny(settings: Settings, names: readonly string[]): boolean {
  return names.some((name) => {
    const value = settings[name];
    // Node's own check of a certificate's names, which got always states, is no check of the app's.
    if (value === tls.checkServerIdentity) return false;
    return value !== undefined && value !== null && value !== '';
  });
}

/** Whether an agent leads to a certain place, or under a certain identity. One that cannot be read is taken for such. */
export function isPinning(agent: AnyAgent): boolean {
  const { options } = agent;
  if (typeof options !== 'object' || options === null) return true;
  if (hasAny(options, IDENTITY) || hasAny(options, PLACE_OF_AGENT) || options.rejectUnauthorized === false) return true;
  return !connectsAnywhere(agent);
}

const CONNECTS: ReadonlySet<unknown> = new Set([
  http.Agent.prototype.createConnection,
  (https.Agent.prototype as unknown as AnyAgent).createConnection,
]);

/** Node's own way to connect; that of proxy agents, to any place there is; and agentkeepalive's, which adds timers. */
function connectsAnywhere(agent: AnyAgent): boolean {
  if (CONNECTS.has(agent.createConnection)) return true;
  if (Object.hasOwn(agent, 'createConnection')) return false;
  return 'proxy' in agent || 'getProxyForUrl' in agent || 'getCurrentStatus' in agent;
}
