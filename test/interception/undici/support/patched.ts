import { systemClock } from '../../../../src/common/clock.ts';
import { Engine } from '../../../../src/engine/engine.ts';
import type { Exchange } from '../../../../src/engine/exchange.ts';
import type { Pipeline } from '../../../../src/engine/pipeline.ts';
import type { ExtraField } from '../../../../src/interception/extra-headers.ts';
import { onRequire } from '../../../../src/interception/module-hook.ts';
import { patchUndici } from '../../../../src/interception/undici/patch-undici.ts';
import { RETRY_DEFAULTS } from '../../../../src/strategies/retry/options.ts';
import type { Guard, Recovery } from '../../../../src/strategies/shared/contract.ts';
import type { Policy } from '../../../../src/strategies/shared/policy.ts';
import { RecordingListener } from '../../../support/recording-listener.ts';
import { everyCall } from '../../../support/rules.ts';

export interface Setup {
  readonly policy?: Partial<Policy>;
  readonly guards?: readonly Guard[];
  readonly recoveries?: readonly Recovery[];
  /** Calls to other origins are left alone. */
  readonly only?: string;
}

/** The adapter under one engine after another: each test sets its own. */
export class PatchedUndici {
  engine: Engine | undefined;
  listener = new RecordingListener();
  /** Of the engine in use. */
  readonly calls: Exchange[] = [];
  bypassed = false;
  extraHeaders: readonly ExtraField[] | undefined;
  readonly reports: unknown[] = [];
  #undo: (() => void) | undefined;

  apply(): this {
    this.#undo ??= patchUndici({
      engine: {
        route: (protocol, host, port, method, path): Pipeline | undefined =>
          this.engine?.route(protocol, host, port, method, path),
        open: (pipeline: Pipeline, exchange: Exchange) => {
          if (this.engine === undefined) throw new Error('no engine');
          this.calls.push(exchange);
          return this.engine.open(pipeline, exchange);
        },
      },
      bypass: () => this.bypassed,
      extraHeaders: () => this.extraHeaders,
      report: (error) => this.reports.push(error),
      onRequire,
    });
    return this;
  }

  undo(): void {
    this.#undo?.();
    this.#undo = undefined;
  }

  use(setup: Setup = {}): void {
    // Scripted recoveries send again, as far as a policy with retries lets them.
    const rules = everyCall(setup.recoveries === undefined ? setup.policy : { retry: RETRY_DEFAULTS, ...setup.policy });
    this.listener = new RecordingListener();
    this.calls.length = 0;
    this.engine = new Engine({
      clock: systemClock,
      random: () => 0.5,
      listener: this.listener,
      rules: {
        ...rules,
        forOrigin: (origin) =>
          setup.only === undefined || setup.only === origin.name
            ? rules.forOrigin(origin)
            : { fixed: { assignment: undefined }, match: () => undefined },
      },
      buildStages: () => ({ callGuards: setup.guards ?? [], recoveries: setup.recoveries ?? [] }),
    });
  }

  reset(): void {
    this.engine = undefined;
    this.bypassed = false;
    this.extraHeaders = undefined;
    this.reports.length = 0;
  }
}

/**
 * One for all suites of a process, put on before any of them makes a dispatcher: patches of several would lie on each
 * other. Without an engine it lets every call through.
 */
export const patched = new PatchedUndici().apply();
