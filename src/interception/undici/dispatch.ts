import { stringify } from 'node:querystring';
import type { Attempt, CallEngine } from '../../engine/exchange.ts';
import type { ExtraField, ExtraHeaders } from '../extra-headers.ts';
import { withFields } from './added-headers.ts';
import { Call } from './call.ts';
import type { CallerSide } from './caller-side.ts';
import { ControllerSide } from './controller-side.ts';
import { type Destination, destinationOf } from './destination.ts';
import { LegacySide } from './legacy-side.ts';
import { requestBody } from './request-body.ts';
import { rereadable } from './request-headers.ts';
import { dispatchWatched, isWatching } from './sent-headers.ts';
import type { UndiciInstance } from './undici-instance.ts';
import {
  ATTEMPT,
  type ControllerHandler,
  type Dispatcher,
  type DispatchFunction,
  type DispatchOptions,
  type LegacyHandler,
} from './undici-types.ts';
import { WireAttempt } from './wire-attempt.ts';

export interface DispatchContext {
  readonly engine: CallEngine;
  /** Whether calls made now are to be left alone, whatever the rules say. */
  readonly bypass: () => boolean;
  readonly extraHeaders?: ExtraHeaders | undefined;
  readonly report: (error: unknown) => void;
}

/** The `dispatch` that takes the place of a copy's own. */
export function makeDispatch(instance: UndiciInstance, context: DispatchContext): DispatchFunction {
  const { original } = instance;
  const methods = {
    // A method, as the one it replaces: same name and length, no prototype.
    dispatch(this: Dispatcher, options: DispatchOptions, handler: object): boolean {
      if (options?.[ATTEMPT] !== undefined) return nested(original, this, options, handler);
      let call: Call | 'plain' | undefined;
      let first: Attempt | undefined;
      try {
        call = prepare(instance, context, this, options, handler);
        if (typeof call === 'object') first = call.listener.begin();
      } catch (error) {
        context.report(error);
        call = 'plain';
      }
      if (call === undefined) return Reflect.apply(original, this, [options, handler]);
      if (call === 'plain') return Reflect.apply(original, this, [{ [ATTEMPT]: call, ...options }, handler]);
      return first === undefined ? call.wait() : call.sendFirst(first);
    },
  };
  return methods.dispatch;
}

/** A dispatch inside one of ours: agent → pool → client. */
function nested(
  original: DispatchFunction,
  dispatcher: Dispatcher,
  options: DispatchOptions,
  handler: object,
): boolean {
  const attempt = options[ATTEMPT];
  if (isWatching() && attempt instanceof WireAttempt) {
    return dispatchWatched(attempt, () => Reflect.apply(original, dispatcher, [options, handler]));
  }
  return Reflect.apply(original, dispatcher, [options, handler]);
}

/**
 * The call under its pipeline. `plain`: it is to go through without us, and so are the dispatches nested in it, which may
 * come later and out of another context. Undefined: nothing to do for us, or only undici's own complaint to make.
 */
function prepare(
  instance: UndiciInstance,
  context: DispatchContext,
  dispatcher: Dispatcher,
  options: DispatchOptions,
  handler: object,
): Call | 'plain' | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  if (typeof options.path !== 'string' || typeof options.method !== 'string') return undefined;
  const style = styleOf(instance, options, handler);
  if (style === undefined) return undefined;
  if (context.bypass()) return 'plain';
  const destination = destinationOf(dispatcher, options);
  if (destination === undefined || isForOthers(destination, options)) return undefined;
  const method = options.method.toUpperCase();
  const path = options.query == null ? options.path : withQuery(options.path, options.query);
  const { protocol, host, port } = destination;
  const pipeline = context.engine.route(protocol, host, port, method, path, options.headers);
  if (pipeline === undefined) return undefined;
  const { buffersOutcome } = pipeline;
  const call = new Call({
    instance,
    dispatcher,
    destination,
    report: context.report,
    options: withHeadersOf(options, context.extraHeaders?.()),
    method,
    path,
    buffersOutcome,
    body:
      options.body == null
        ? undefined
        : requestBody(options.body, buffersOutcome ? pipeline.maxReplayBytes : -1, isOfFetch(handler)),
  });
  call.caller = sideOf(style, handler, call, buffersOutcome);
  call.listener = context.engine.open(pipeline, call);
  return call;
}

function sideOf(style: 'legacy' | 'controller', handler: object, call: Call, buffersOutcome: boolean): CallerSide {
  const abort = (reason?: Error): void => call.abort(reason);
  return style === 'legacy'
    ? new LegacySide(handler as LegacyHandler, abort)
    : new ControllerSide(handler as ControllerHandler, abort, buffersOutcome);
}

/** The handlers of fetch are plain objects with these two fields of their own, in all versions. */
function isOfFetch(handler: object): boolean {
  return Object.hasOwn(handler, 'body') && Object.hasOwn(handler, 'abort');
}

/**
 * The style undici would use, if the handler has all it takes. If not, undici is to complain itself, about the handler
 * it was given.
 */
function styleOf(
  instance: UndiciInstance,
  options: DispatchOptions,
  handler: unknown,
): 'legacy' | 'controller' | undefined {
  if (typeof handler !== 'object' || handler === null) return undefined;
  const { styles } = instance;
  if (styles.controller && typeof (handler as ControllerHandler).onRequestStart === 'function') {
    // Version 7, which knows both, asks no more of a handler of the newer style.
    const complete = styles.legacy || completeController(handler as ControllerHandler, isTakeover(options));
    return complete && typeof (handler as ControllerHandler).onResponseError === 'function' ? 'controller' : undefined;
  }
  return styles.legacy && completeLegacy(handler as LegacyHandler, isTakeover(options)) ? 'legacy' : undefined;
}

function completeLegacy(handler: LegacyHandler, takeover: boolean): boolean {
  if (typeof handler.onConnect !== 'function' || typeof handler.onError !== 'function') return false;
  if (takeover) return typeof handler.onUpgrade === 'function';
  const { onHeaders, onData, onComplete } = handler;
  return typeof onHeaders === 'function' && typeof onData === 'function' && typeof onComplete === 'function';
}

function completeController(handler: ControllerHandler, takeover: boolean): boolean {
  if (takeover) return typeof handler.onRequestUpgrade === 'function';
  const { onResponseStart, onResponseData, onResponseEnd } = handler;
  if (typeof onResponseStart !== 'function' || typeof onResponseData !== 'function') return false;
  return typeof onResponseEnd === 'function';
}

/** Upgrades and tunnels: the connection is to become the caller's own. */
function isTakeover(options: DispatchOptions): boolean {
  return Boolean(options.upgrade) || options.method === 'CONNECT';
}

function isForOthers(destination: Destination, options: DispatchOptions): boolean {
  // A proxy agent's tunnel, told by the options only it gives: the call it is dug for is under a policy already, and a
  // proxy must not be blamed for the targets behind it.
  if (options.method === 'CONNECT') return destination.bound && options.origin !== undefined && 'port' in options;
  // Undici 5 and 6 follow redirects inside the agent; each hop then comes by as a dispatch of a pool.
  return !destination.bound && Number(options.maxRedirections) > 0;
}

function withQuery(path: string, query: Record<string, unknown>): string {
  return `${path}?${stringify(query as NodeJS.Dict<string>)}`;
}

/** Headers that every attempt can read, with what is to be added to them. */
function withHeadersOf(options: DispatchOptions, fields: readonly ExtraField[] | undefined): DispatchOptions {
  const headers = rereadable(options.headers);
  const rereadableOptions = headers === options.headers ? options : { ...options, headers };
  if (fields === undefined) return rereadableOptions;
  return withFields(rereadableOptions, fields);
}
