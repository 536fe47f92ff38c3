import type { Attributes } from '@opentelemetry/api';
import type { Mode, ObservedCall } from '../engine/events.ts';
import { modeOf } from './event-record.ts';
import { ATTR, OTHER } from './names.ts';
import type { UpstreamKeys } from './upstream-keys.ts';

/** An upstream that answers with ever new error codes must not make ever new series. */
const MAX_ERROR_TYPES = 30;
/** Far more than there are policies × upstreams by name; a guard against policies that are replaced again and again. */
const MAX_SERIES = 2_000;

/** The attribute sets of one upstream under one policy. */
interface OutcomeSeries {
  readonly mode: Mode;
  readonly success: Attributes;
  readonly others: Map<string, Attributes>;
  readonly errorTypes: Set<string>;
}

/** Attribute sets of `resilience.execution.duration`, each made once. */
export class OutcomeAttributes {
  readonly #keys: UpstreamKeys;
  readonly #series = new Map<string, Map<string, OutcomeSeries>>();
  #size = 0;

  constructor(keys: UpstreamKeys) {
    this.#keys = keys;
  }

  of(call: ObservedCall): Attributes {
    const series = this.#seriesOf(call);
    if (call.result === 'success' && call.errorType === undefined) return series.success;
    return otherOutcome(series, call);
  }

  #seriesOf({ policy, upstream, mode }: ObservedCall): OutcomeSeries {
    const found = this.#series.get(policy)?.get(upstream);
    // The mode can change when the configuration does.
    if (found?.mode === mode) return found;
    const named = { [ATTR.policyName]: policy, [ATTR.upstreamName]: this.#keys.keyOf(upstream), ...modeOf(mode) };
    const series = {
      mode,
      success: { ...named, [ATTR.outcome]: 'success' },
      others: new Map<string, Attributes>(),
      errorTypes: new Set<string>(),
    };
    if (this.#size >= MAX_SERIES) {
      this.#series.clear();
      this.#size = 0;
    }
    let ofPolicy = this.#series.get(policy);
    if (ofPolicy === undefined) {
      ofPolicy = new Map();
      this.#series.set(policy, ofPolicy);
    }
    ofPolicy.set(upstream, series);
    this.#size += 1;
    return series;
  }
}

function otherOutcome(series: OutcomeSeries, call: ObservedCall): Attributes {
  const errorType = boundedErrorType(series, call.errorType);
  const result = call.result ?? 'failure';
  const key = errorType === undefined ? result : `${result} ${errorType}`;
  let attributes = series.others.get(key);
  if (attributes === undefined) {
    attributes = { ...series.success, [ATTR.outcome]: result };
    if (errorType !== undefined) attributes[ATTR.errorType] = errorType;
    series.others.set(key, attributes);
  }
  return attributes;
}

function boundedErrorType({ errorTypes }: OutcomeSeries, errorType: string | undefined): string | undefined {
  if (errorType === undefined || errorTypes.has(errorType)) return errorType;
  if (errorTypes.size >= MAX_ERROR_TYPES) return OTHER;
  errorTypes.add(errorType);
  return errorType;
}
