import type { ExtraField } from '../../extra-headers.ts';
import { type CallOptions, type CallTarget, headerEntries } from './call-target.ts';

/** A call as it goes on: what was asked for, and the arguments that say so to whatever makes the request. */
export interface CallArguments {
  readonly target: CallTarget;
  readonly args: readonly unknown[];
}

/**
 * The call with `fields` among its headers, less those that it has. In the options, where the app can still replace them
 * on its request, and where whatever makes a further attempt finds them too. The caller's own objects stay as they are.
 */
export function withFields(call: CallArguments, fields: readonly ExtraField[]): CallArguments {
  const { target, args } = call;
  // A tunnel is not a request to the upstream.
  if (target.method === 'CONNECT') return call;
  const given: unknown = target.options?.headers;
  const present = new Set(headerEntries(given).map(([name]) => name.toLowerCase()));
  const missing = fields.filter(([name]) => !present.has(name.toLowerCase()));
  if (missing.length === 0) return call;
  const options = { ...target.options, headers: merge(given, missing) } as CallOptions;
  const at = target.url === undefined ? 0 : 1;
  const rest = args.slice(typeof args[at] === 'function' ? at : at + 1);
  return { target: { ...target, options }, args: [...args.slice(0, at), options, ...rest] };
}

/** In the form in which they were given: Node sends an array at once, and in that very order. */
function merge(given: unknown, missing: readonly ExtraField[]): unknown {
  if (!Array.isArray(given)) return { ...(given as object | undefined), ...Object.fromEntries(missing) };
  if (Array.isArray(given[0])) return [...given, ...missing.map((field) => [...field])];
  // Half a pair at the end: Node is to refuse it as it was given.
  return given.length % 2 === 0 ? [...given, ...missing.flat()] : given;
}
