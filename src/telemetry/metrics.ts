import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Counter,
  Histogram,
  Meter,
  MeterProvider,
  Observable,
} from '@opentelemetry/api';
import type { CircuitStateChanged, EventSource, ObservedCall } from '../engine/events.ts';
import type { UpstreamSnapshot } from '../engine/snapshot.ts';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.ts';
import { modeOf } from './event-record.ts';
import { reportFailure } from './guard.ts';
import { ATTR, DURATION_BOUNDARIES, METRICS, type MetricDefinition } from './names.ts';
import { type ObservedMetric, observe } from './observations.ts';
import { OutcomeAttributes } from './outcome-attributes.ts';
import { isNoopMeterProvider, type MeterSource } from './providers.ts';
import { contextOf } from './spans.ts';
import { UpstreamKeys } from './upstream-keys.ts';

/** The instruments of one meter provider. */
interface Instruments {
  readonly duration: Histogram;
  readonly wait: Histogram;
  readonly transitions: Counter;
  unbind(): void;
}

/**
 * The metrics of calls, circuits and upstreams. A call that succeeds costs one histogram record; all the rest are integers that the engine
 * keeps anyway and that are read when a reader collects.
 */
export class ResilienceMetrics {
  readonly #source: MeterSource;
  readonly #snapshots: () => readonly UpstreamSnapshot[];
  readonly #keys = new UpstreamKeys();
  readonly #attributes = new OutcomeAttributes(this.#keys);
  #provider: MeterProvider | undefined;
  #instruments: Instruments | undefined;

  constructor(source: MeterSource, snapshots: () => readonly UpstreamSnapshot[]) {
    this.#source = source;
    this.#snapshots = snapshots;
  }

  callEnded(call: ObservedCall, durationMs: number): void {
    this.bind();
    this.#instruments?.duration.record(durationMs / 1000, this.#attributes.of(call), contextOf(call));
  }

  circuitStateChanged(event: CircuitStateChanged, { policy, upstream, mode }: EventSource): void {
    this.bind();
    this.#instruments?.transitions.add(1, {
      [ATTR.policyName]: policy,
      [ATTR.circuitName]: this.#keys.circuitKeyOf(upstream, event.circuit),
      [ATTR.circuitState]: event.state,
      [ATTR.circuitPreviousState]: event.previousState,
      [ATTR.transitionReason]: event.reason,
      ...modeOf(mode),
    });
  }

  callQueued(waitedMs: number, { upstream, mode }: EventSource): void {
    this.bind();
    this.#instruments?.wait.record(waitedMs / 1000, {
      [ATTR.upstreamName]: this.#keys.keyOf(upstream),
      ...modeOf(mode),
    });
  }

  /** Moves to the meter provider of now. A comparison when it is the one of last time. */
  bind(): void {
    const provider = this.#source.provider();
    if (provider === this.#provider) return;
    this.unbind();
    this.#provider = provider;
    if (isNoopMeterProvider(provider)) return;
    this.#instruments = this.#create(provider.getMeter(PACKAGE_NAME, PACKAGE_VERSION));
  }

  /** Takes the callbacks back from the SDK. The next call binds again. */
  unbind(): void {
    const instruments = this.#instruments;
    this.#instruments = undefined;
    this.#provider = undefined;
    instruments?.unbind();
  }

  #create(meter: Meter): Instruments {
    const observables = observablesOf(meter);
    const callback: BatchObservableCallback = (result) => this.#report(observables, result);
    const all = Object.values(observables);
    meter.addBatchObservableCallback(callback, all);
    return {
      duration: histogramOf(meter, METRICS.executionDuration),
      wait: histogramOf(meter, METRICS.bulkheadWait),
      transitions: counterOf(meter, METRICS.circuitTransitions),
      unbind: () => meter.removeBatchObservableCallback(callback, all),
    };
  }

  #report(observables: Record<ObservedMetric, Observable>, result: BatchObservableResult<Attributes>): void {
    try {
      const observations = observe(this.#snapshots(), this.#keys);
      for (const [metric, observable] of Object.entries(observables)) {
        for (const { value, attributes } of observations[metric as ObservedMetric]) {
          result.observe(observable, value, attributes);
        }
      }
    } catch (error) {
      reportFailure('collection of metrics', error);
    }
  }
}

function histogramOf(meter: Meter, { name, unit, description }: MetricDefinition): Histogram {
  const advice = { explicitBucketBoundaries: [...DURATION_BOUNDARIES] };
  return meter.createHistogram(name, { unit, description, advice });
}

function counterOf(meter: Meter, { name, unit, description }: MetricDefinition): Counter {
  return meter.createCounter(name, { unit, description });
}

function observablesOf(meter: Meter): Record<ObservedMetric, Observable> {
  const made: Partial<Record<ObservedMetric, Observable>> = {};
  for (const [key, definition] of Object.entries(METRICS)) {
    const { name, instrument, unit, description } = definition;
    const options = { unit, description };
    if (instrument === 'observable_counter') {
      made[key as ObservedMetric] = meter.createObservableCounter(name, options);
    } else if (instrument === 'observable_updowncounter') {
      made[key as ObservedMetric] = meter.createObservableUpDownCounter(name, options);
    } else if (instrument === 'observable_gauge') {
      made[key as ObservedMetric] = meter.createObservableGauge(name, options);
    }
  }
  return made as Record<ObservedMetric, Observable>;
}
