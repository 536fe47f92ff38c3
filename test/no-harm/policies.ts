import { systemClock } from '../../src/common/clock.ts';
import { Engine } from '../../src/engine/engine.ts';
import { SILENT } from '../../src/engine/events.ts';
import type { CallEngine, CallPipeline } from '../../src/engine/exchange.ts';
import type { Pipeline } from '../../src/engine/pipeline.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../src/strategies/circuit-breaker/options.ts';
import { FALLBACK_DEFAULTS } from '../../src/strategies/fallback/options.ts';
import type { HedgeOptions } from '../../src/strategies/hedge/options.ts';
import { RETRY_DEFAULTS } from '../../src/strategies/retry/options.ts';
import type { Policy } from '../../src/strategies/shared/policy.ts';
import { everyCall } from '../support/rules.ts';
import type { POLICY_NAMES } from './plan.ts';

export type PolicyName = (typeof POLICY_NAMES)[number];

export const TOTAL_MS = 1_500;

const PLENTY = { ratio: 1, minPerSecond: 1_000_000, windowMs: 10_000 };
const retry = { ...RETRY_DEFAULTS, maxRetries: 2, backoff: { baseMs: 4, maxMs: 12 }, budget: PLENTY };
const timeout = { attemptMs: 300, totalMs: TOTAL_MS, idleMs: 1_000 };
/** So early that what an upstream does falls before, between and after. */
const hedge: HedgeOptions = {
  delay: { kind: 'fixed', ms: 3 },
  maxHedges: 2,
  methods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'],
  endpoints: false,
};
const substitute = { status: 203, headers: {}, body: 'degraded', json: undefined };
/** Open only for a moment, so that there is something to see of both. */
const circuitBreaker = {
  ...CIRCUIT_BREAKER_DEFAULTS,
  minimumCalls: 200,
  failureRatio: 0.9,
  open: { ...CIRCUIT_BREAKER_DEFAULTS.open, durationMs: 20, maxMs: 20 },
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

function policies(backupPort: number): Record<PolicyName, Partial<Policy> | undefined> {
  const bare = { circuitBreaker: undefined };
  const backup = {
    protocol: 'http:',
    host: '127.0.0.1',
    port: backupPort,
    basePath: '',
    forwardCredentials: true,
  } as const;
  return {
    none: undefined,
    breaker: { circuitBreaker },
    retry: { ...bare, retry: { ...retry, methods: [...retry.methods, 'PUT', 'POST'] } },
    tiny_replay: {
      ...bare,
      timeout,
      retry: { ...retry, maxReplayBytes: 2_000, methods: [...retry.methods, 'PUT', 'POST'] },
    },
    standard: {
      circuitBreaker,
      timeout,
      retry,
      bulkhead: { maxConcurrent: 60, maxQueue: 1_000, queueTimeoutMs: 1_000, adaptive: undefined },
    },
    endpoint: { ...bare, timeout, retry, fallback: { ...FALLBACK_DEFAULTS, endpoints: [backup], onUnhealthy: true } },
    degraded: { circuitBreaker, timeout, retry, fallback: { ...FALLBACK_DEFAULTS, response: substitute } },
    hedge: { ...bare, timeout, hedge, retry: { ...retry, maxRetries: 0 } },
    hedge_and_all: {
      circuitBreaker,
      timeout,
      retry,
      hedge: { ...hedge, endpoints: true },
      bulkhead: { maxConcurrent: 60, maxQueue: 1_000, queueTimeoutMs: 1_000, adaptive: undefined },
      fallback: { ...FALLBACK_DEFAULTS, endpoints: [backup], response: substitute },
    },
    handler: {
      ...bare,
      timeout,
      fallback: {
        ...FALLBACK_DEFAULTS,
        handler: async ({ url }) => {
          await wait(url.length % 20);
          return url.length % 3 === 0 ? undefined : { status: 203, headers: [], body: Buffer.from('handled') };
        },
      },
    },
  };
}

/** An engine for each policy; the first segment of a call's path says which. */
export class PolicyEngines implements CallEngine {
  readonly #engines = new Map<string, Engine>();
  readonly #owners = new WeakMap<object, Engine>();

  constructor(backupPort: number, fault: (error: unknown) => void) {
    for (const [name, policy] of Object.entries(policies(backupPort))) {
      if (policy === undefined) continue;
      const rules = everyCall(policy, { upstream: name });
      const report = (): void => {};
      this.#engines.set(
        name,
        new Engine({ clock: systemClock, random: Math.random, listener: SILENT, rules, report, fault }),
      );
    }
  }

  route(protocol: string, host: string, port: number, method: string, path: string): CallPipeline | undefined {
    const engine = this.#engines.get(path.split('/', 2)[1] ?? '');
    const pipeline = engine?.route(protocol, host, port, method, path);
    if (engine !== undefined && pipeline !== undefined) this.#owners.set(pipeline, engine);
    return pipeline;
  }

  open(pipeline: CallPipeline, exchange: Parameters<CallEngine['open']>[1]): ReturnType<CallEngine['open']> {
    return (this.#owners.get(pipeline) as Engine).open(pipeline as Pipeline, exchange);
  }
}
