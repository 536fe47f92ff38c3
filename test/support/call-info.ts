import type { CallInfo } from '../../src/strategies/shared/contract.ts';

/** A call as the strategies see it. Header names in lower case. */
export function callInfo(method = 'GET', headers: Readonly<Record<string, string>> = {}): CallInfo {
  return {
    protocol: 'http:',
    host: 'upstream.test',
    port: 80,
    method,
    path: '/things/1',
    header: (name) => headers[name],
    headers: () => Object.entries(headers),
    credentials: () => undefined,
    hasContent: () => false,
    whenFinal: () => undefined,
    pinned: () => false,
  };
}
