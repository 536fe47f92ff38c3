import type { ClientRequest } from 'node:http';
import type { Attempt, Exchange } from '../../engine/exchange.ts';
import type { Substitute } from '../../strategies/shared/contract.ts';
import { type CallTarget, headerEntries, optionsHeader, type Protocol } from './call-target.ts';
import { requestHeader } from './message-head.ts';
import type { PatchedModule } from './patched-module.ts';
import { Watch } from './request-hooks.ts';

/** Where a call was made, and how its attempts are. */
export interface CallSite {
  readonly module: PatchedModule;
  readonly modules: Readonly<Record<Protocol, PatchedModule>>;
  readonly args: readonly unknown[];
  /** How many of the wrappers below us the first attempt goes through. */
  readonly layers: number;
  readonly maxReplayBytes: number;
  report(error: unknown): void;
}

/** A call of `request`, as far as it is the same whatever is done with it. */
export abstract class HttpExchange extends Watch implements Exchange {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  protected readonly target: CallTarget;
  protected readonly site: CallSite;
  protected request: ClientRequest | undefined = undefined;

  constructor(target: CallTarget, site: CallSite) {
    super();
    this.target = target;
    this.site = site;
    this.protocol = target.protocol;
    this.host = target.host;
    this.port = target.port;
    this.method = target.method;
    this.path = target.path;
  }

  header(name: string): string | undefined {
    return this.request === undefined ? optionsHeader(this.target, name) : requestHeader(this.request, name);
  }

  headers(): Iterable<readonly [name: string, value: string]> {
    const { request } = this;
    if (request === undefined) {
      return headerEntries(this.target.options?.headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    }
    return Object.entries(request.getHeaders()).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one) => [name, String(one)] as const),
    );
  }

  credentials(): string | undefined {
    return undefined;
  }

  hasContent(): boolean {
    return !/^(?:GET|HEAD|OPTIONS)$/.test(this.method);
  }

  whenFinal(): Promise<void> | undefined {
    return undefined;
  }

  pinned(): boolean {
    return false;
  }

  sentHeader(name: string): string | undefined {
    return this.request && requestHeader(this.request, name);
  }

  abstract send(attempt: Attempt): void;
  abstract cancel(attempt: Attempt, error: Error): void;
  abstract fail(error: Error): void;
  abstract respond(response: Substitute): void;
  abstract release(): void;
  abstract awaitsReader(): boolean;
  abstract killBody(error: Error): void;
  abstract replayable(): boolean;
}
