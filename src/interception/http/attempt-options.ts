import type { ClientRequest } from 'node:http';
import type { EndpointTarget } from '../../strategies/shared/contract.ts';
import type { CallOptions, CallTarget } from './call-target.ts';
import { attemptHeaders, CREDENTIALS } from './request-head.ts';

/** What says where the app's own call goes, and with what credentials: not for another place. */
const PLACE_OPTIONS = [
  'socketPath',
  'createConnection',
  'servername',
  'defaultPort',
  '_defaultAgent',
  'hostname',
  'checkServerIdentity',
] as const;

export interface AttemptPlan {
  readonly options: CallOptions;
  /** The headers given in the options. */
  readonly headers: Record<string, string | string[]>;
  /** Headers of the caller's request that must not go along. */
  readonly withheld: readonly string[];
}

/** The options of a further attempt: the caller's, with the headers its request has by now, and the endpoint's place. */
export function planAttempt(
  call: CallTarget,
  options: CallOptions,
  request: ClientRequest,
  target: EndpointTarget | undefined,
): AttemptPlan {
  const sameOrigin =
    target === undefined ||
    (target.protocol === call.protocol && target.host.toLowerCase() === call.host && target.port === call.port);
  const headers = attemptHeaders(request, target, sameOrigin);
  const attempt: Record<string, unknown> = { ...options, headers };
  // The signal is the call's, and stays with the caller's own request.
  delete attempt.signal;
  if (target === undefined) return { options: attempt as CallOptions, headers, withheld: [] };
  for (const name of PLACE_OPTIONS) delete attempt[name];
  const { protocol, host, port, basePath, forwardCredentials } = target;
  Object.assign(attempt, { protocol, host, port, path: basePath + call.path, agent: fittingAgent(options, protocol) });
  const withheld = sameOrigin || forwardCredentials ? [] : CREDENTIALS;
  if (withheld.length > 0) delete attempt.auth;
  return { options: attempt as CallOptions, headers, withheld };
}

/** The caller's agent if it speaks the endpoint's protocol; else that protocol's own. */
function fittingAgent(options: CallOptions, protocol: string): CallOptions['agent'] {
  const { agent } = options;
  if (agent === false) return false;
  return agent && (agent as { protocol?: string }).protocol === protocol ? agent : undefined;
}
