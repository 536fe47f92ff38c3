import type { Engine } from './engine/engine.ts';
import type { UpstreamSnapshot } from './engine/snapshot.ts';
import type { CircuitState } from './strategies/circuit-breaker/transition.ts';

/** Manual control of the circuit breakers of one name (one per policy that has the upstream). */
export interface CircuitControl {
  readonly name: string;
  /** The state now; of several, the first one's. */
  readonly state: CircuitState;
  /** Rejects every attempt until `forceClosed` or `reset`. */
  forceOpen(): void;
  /** Admits every attempt, whatever the outcomes, until `forceOpen` or `reset`. */
  forceClosed(): void;
  /**
   * Half-open, if it is open (forced or not): the next attempt is let through as a probe, and its result decides. In any
   * other state nothing happens.
   */
  probeNow(): void;
  /** Closed, with an empty window, deciding by itself again. */
  reset(): void;
}

/** What runs in this thread, to look at and to steer. */
export interface Resilience {
  /** Every upstream that has been called and not been forgotten since, as it is now. */
  upstreams(): UpstreamSnapshot[];
  /**
   * The circuit of that name: a rule's name, an origin (`https://api.example.com`, `http://localhost:8080`) or
   * `<upstream>/<host:port>` of a fallback endpoint. Undefined while no call has gone there.
   */
  circuit(name: string): CircuitControl | undefined;
  /**
   * Forgets every upstream with its circuits (forced ones too), limits, budgets and cached answers, as if no call had been
   * made. For a test's `beforeEach`: failures that one test mocks then open no circuit in the next.
   */
  reset(): void;
}

/** `engine` is asked for at each use: there is none while the instrumentation is disabled. */
export function createResilience(engine: () => Engine | undefined): Resilience {
  return {
    upstreams: () => engine()?.snapshots() ?? [],
    reset: () => engine()?.reset(),
    circuit: (name) => {
      const running = engine();
      const circuits = running?.circuits(name) ?? [];
      const [first] = circuits;
      if (running === undefined || first === undefined) return undefined;
      return {
        name,
        get state() {
          return first.state(running.now());
        },
        forceOpen: () => {
          for (const circuit of circuits) circuit.forceOpen(running.now());
        },
        forceClosed: () => {
          for (const circuit of circuits) circuit.forceClosed(running.now());
        },
        probeNow: () => {
          for (const circuit of circuits) circuit.probeNow(running.now());
        },
        reset: () => {
          for (const circuit of circuits) circuit.reset(running.now());
        },
      };
    },
  };
}
