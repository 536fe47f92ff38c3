import type { ClientRequest } from 'node:http';
import type { ForeignOrigin } from '../../../common/caller-identity.ts';
import { joinEndpointPath } from '../../../common/endpoint-path.ts';
import type { EndpointTarget } from '../../../strategies/shared/contract.ts';
import type { CallOptions, CallTarget } from '../call/call-target.ts';
import { agentFor, HOME_OPTIONS, isPinning } from '../call/caller-ties.ts';
import type { HttpModule } from '../patch/patched-module.ts';
import type { AddedFields } from './added-fields.ts';
import { attemptHeaders, withheldHeaders } from './request-head.ts';

/** What says where the app's own call goes, apart from what stays at home anyway. */
const PLACE_OPTIONS = ['defaultPort', '_defaultAgent', 'hostname'] as const;

export interface AttemptPlan {
  readonly options: CallOptions;
  /** The headers of the caller's request that go along; the options have those of them that were not added. */
  readonly headers: Record<string, string | string[]>;
  /** Headers of the caller's request that must not go along, in lower case. */
  readonly withheld: readonly string[];
  /** Where it goes, if that is another origin than the call's. */
  readonly origin: ForeignOrigin | undefined;
}

/** The options of a further attempt: the caller's, with the headers its request has by now, and the endpoint's place. */
export function planAttempt(
  call: CallTarget,
  options: CallOptions,
  { request, added }: { readonly request: ClientRequest; readonly added: AddedFields },
  endpoint: { readonly target: EndpointTarget | undefined; readonly module: HttpModule },
): AttemptPlan {
  const { target, module } = endpoint;
  const origin = target === undefined || isSameOrigin(call, target) ? undefined : target;
  const withheld = origin === undefined ? [] : withheldHeaders(request, origin);
  const headers = attemptHeaders(request, target !== undefined, withheld);
  const attempt: Record<string, unknown> = { ...options, headers: added.leftOut(headers) };
  // The signal is the call's, and stays with the caller's own request.
  delete attempt.signal;
  if (target === undefined) return { options: attempt as CallOptions, headers, withheld, origin };
  for (const name of PLACE_OPTIONS) delete attempt[name];
  if (origin !== undefined) for (const name of HOME_OPTIONS) delete attempt[name];
  const { protocol, host, port, basePath } = target;
  const path = joinEndpointPath(basePath, call.path);
  Object.assign(attempt, { protocol, host, port, path, agent: fittingAgent(options, protocol, module) });
  return { options: attempt as CallOptions, headers, withheld, origin };
}

function isSameOrigin(call: CallTarget, target: EndpointTarget): boolean {
  return target.protocol === call.protocol && target.host.toLowerCase() === call.host && target.port === call.port;
}

/** The caller's agent if it speaks the endpoint's protocol and leads there; else that protocol's own. */
function fittingAgent(options: CallOptions, protocol: string, module: HttpModule): CallOptions['agent'] {
  const { agent } = options;
  if (agent === false) return false;
  if (!agent || (agent as { protocol?: string }).protocol !== protocol) return undefined;
  const own = agentFor(options, module);
  return own !== undefined && isPinning(own) ? undefined : agent;
}
