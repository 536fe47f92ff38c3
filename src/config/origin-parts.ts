import { defaultPort, formatHost } from '../common/authority.ts';
import type { Origin } from '../strategies/shared/policy.ts';

/** An origin as the components of a URL pattern see it. */
export interface OriginParts {
  readonly protocol: string;
  readonly hostname: string;
  /** Empty: the scheme's own. */
  readonly port: string;
}

export function originParts({ protocol, host, port }: Origin): OriginParts {
  return {
    protocol: protocol.replace(/:$/, ''),
    hostname: formatHost(host),
    port: port === defaultPort(protocol) ? '' : String(port),
  };
}

/** Rules for a single origin are found by this. */
export function originKey(origin: Origin): string {
  const { protocol, hostname, port } = originParts(origin);
  return `${protocol}//${hostname}:${port}`;
}
