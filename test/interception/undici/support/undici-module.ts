import { createRequire } from 'node:module';
import type { Readable, Writable } from 'node:stream';

/** What the tests use of undici, the same in all versions. */
export interface UndiciModule {
  request(url: string, options?: object): Promise<UndiciReply>;
  stream(url: string, options: object, factory: (data: UndiciHead) => Writable): Promise<unknown>;
  pipeline(url: string, options: object, handler: (data: UndiciReply) => Readable): import('node:stream').Duplex;
  fetch(url: string, options?: object): Promise<Response>;
  FormData: typeof FormData;
  Agent: new (options?: object) => UndiciDispatcher;
  Pool: new (origin: string, options?: object) => UndiciDispatcher;
  Client: new (origin: string, options?: object) => UndiciDispatcher;
  BalancedPool: new (origins: string[], options?: object) => UndiciDispatcher;
  ProxyAgent: new (options: object | string) => UndiciDispatcher;
  MockAgent: new () => UndiciDispatcher & MockAgent;
  RetryAgent?: new (dispatcher: UndiciDispatcher, options?: object) => UndiciDispatcher;
  getGlobalDispatcher(): UndiciDispatcher;
  setGlobalDispatcher(dispatcher: object): void;
  upgrade(url: string, options?: object): Promise<{ socket: import('node:stream').Duplex; headers: object }>;
}

export interface UndiciHead {
  readonly statusCode: number;
  readonly headers: Record<string, string | string[] | undefined>;
}

export interface UndiciReply extends UndiciHead {
  readonly body: Readable & { text(): Promise<string>; dump(): Promise<void> };
}

export interface UndiciDispatcher {
  dispatch(options: object, handler: object): boolean;
  request(options: object): Promise<UndiciReply>;
  compose?(interceptor: (dispatch: Dispatch) => Dispatch): UndiciDispatcher;
  connect(options: object): Promise<{ statusCode: number; socket: import('node:stream').Duplex }>;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export type Dispatch = (options: object, handler: object) => boolean;

export interface MockAgent {
  disableNetConnect(): void;
  get(origin: string): {
    intercept(options: { path: string; method?: string }): { reply(status: number, body: string): void };
  };
}

export const NODE_MAJOR = Number(process.versions.node.split('.')[0]);

/** The versions that load on this Node. */
export const VERSIONS = ['5', '6', '7', '8'].filter((version) => version !== '8' || NODE_MAJOR >= 22);

const load = createRequire(__filename);

export function loadUndici(version: string): UndiciModule {
  return load(`undici${version}`) as UndiciModule;
}
