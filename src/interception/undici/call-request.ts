import type { CallInfo } from '../../strategies/shared/contract.ts';
import type { Destination } from './origin.ts';
import { type RequestBody, requestBody } from './request-body.ts';
import { headerPairs, requestHeader } from './request-headers.ts';
import type { Copy } from './undici-instance.ts';
import type { Dispatcher, DispatchOptions } from './undici-types.ts';

export interface CallInput {
  readonly copy: Copy;
  /** The one the app dispatched on. */
  readonly dispatcher: Dispatcher;
  readonly destination: Destination;
  readonly options: DispatchOptions;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly buffersOutcome: boolean;
  readonly maxReplayBytes: number;
  /** Our own code failed; the app's call must not. */
  readonly report: (error: unknown) => void;
}

/** What the app asked for. */
export abstract class CallRequest implements CallInfo {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly options: DispatchOptions;
  readonly copy: Copy;
  readonly dispatcher: Dispatcher;
  readonly destination: Destination;
  readonly upgrade: boolean;
  readonly buffersOutcome: boolean;
  readonly body: RequestBody | undefined;

  protected readonly report: (error: unknown) => void;

  constructor(input: CallInput) {
    const { destination, options } = input;
    this.copy = input.copy;
    this.dispatcher = input.dispatcher;
    this.destination = destination;
    this.protocol = destination.protocol;
    this.host = destination.host;
    this.port = destination.port;
    this.method = input.method;
    this.path = input.path;
    this.options = options;
    this.buffersOutcome = input.buffersOutcome;
    this.upgrade = Boolean(options.upgrade) || input.method === 'CONNECT';
    this.body =
      options.body == null ? undefined : requestBody(options.body, input.buffersOutcome ? input.maxReplayBytes : -1);
    this.report = input.report;
  }

  header(name: string): string | undefined {
    return requestHeader(this.options.headers, name);
  }

  headers(): Iterable<readonly [name: string, value: string]> {
    return headerPairs(this.options.headers);
  }

  credentials(): string | undefined {
    return undefined;
  }

  hasContent(): boolean {
    return this.options.body != null;
  }

  whenFinal(): Promise<void> | undefined {
    return undefined;
  }

  pinned(): boolean {
    return false;
  }

  /** Whether the request's own body brought this error about. */
  protected isOwnFault(error: Error): boolean {
    return this.body?.threw(error) === true;
  }
}
