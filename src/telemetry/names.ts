import { REJECTION_REASONS } from '../engine/events.ts';

/**
 * Every name this package gives to OpenTelemetry, in one table. Documentation and dashboards are generated
 * from it or checked against it, so a name that is not here is not emitted.
 */

export type AttributeType = 'string' | 'int' | 'double';

export interface AttributeDefinition {
  readonly name: string;
  readonly type: AttributeType;
  readonly description: string;
  /** The closed set of values, where there is one. */
  readonly values?: readonly string[];
}

export const CIRCUIT_STATES = ['closed', 'open', 'half_open', 'forced_open', 'forced_closed'] as const;
export const UPSTREAM_STATES = ['healthy', 'unhealthy'] as const;
export const BULKHEAD_STATES = ['executing', 'queued'] as const;

/** Stands for every value beyond a limit on distinct values, as the semantic conventions do for methods and errors. */
export const OTHER = '_OTHER';

export const ATTRIBUTES = {
  policyName: { name: 'resilience.policy.name', type: 'string', description: 'Policy that the call is under.' },
  upstreamName: {
    name: 'resilience.upstream.name',
    type: 'string',
    description:
      'What limits and health are kept for: the name of a rule, or an origin. `_OTHER` beyond 200 on metrics.',
  },
  upstreamState: {
    name: 'resilience.upstream.state',
    type: 'string',
    description: 'What its last calls and its circuit say of the upstream.',
    values: UPSTREAM_STATES,
  },
  upstreamErrorRatio: {
    name: 'resilience.upstream.error_ratio',
    type: 'double',
    description: 'Share of failed calls among the last ones, 0 to 1.',
  },
  serverAddress: { name: 'server.address', type: 'string', description: 'Host the app sent the call to.' },
  serverPort: { name: 'server.port', type: 'int', description: 'Port the app sent the call to.' },
  requestMethod: { name: 'http.request.method', type: 'string', description: 'Known HTTP method, else `_OTHER`.' },
  resendCount: {
    name: 'http.request.resend_count',
    type: 'int',
    description: 'On the CLIENT span of an attempt: its ordinal among the resends, 1 for the first.',
  },
  circuitName: {
    name: 'resilience.circuit_breaker.name',
    type: 'string',
    description: "The upstream's name, or `<upstream>/<host:port>` for a fallback endpoint.",
  },
  circuitState: {
    name: 'resilience.circuit_breaker.state',
    type: 'string',
    description: 'State of the circuit breaker; on a change, the new one.',
    values: CIRCUIT_STATES,
  },
  circuitPreviousState: {
    name: 'resilience.circuit_breaker.previous_state',
    type: 'string',
    description: 'State before the change.',
    values: CIRCUIT_STATES,
  },
  transitionReason: {
    name: 'resilience.circuit_breaker.transition.reason',
    type: 'string',
    description: 'Why the state changed.',
    values: [
      'failure_ratio',
      'slow_call_ratio',
      'consecutive_failures',
      'open_elapsed',
      'probes_succeeded',
      'probe_failed',
      'manual',
    ],
  },
  failureRatio: {
    name: 'resilience.circuit_breaker.failure_ratio',
    type: 'double',
    description: 'Share of failed attempts in the window the decision was made on, 0 to 1.',
  },
  rejectionReason: {
    name: 'resilience.rejection.reason',
    type: 'string',
    description: 'Why the call was refused.',
    values: REJECTION_REASONS,
  },
  retryReason: {
    name: 'resilience.retry.reason',
    type: 'string',
    description: 'What the retry is for. Which status or error it was is on the span of the attempt.',
    values: ['status_code', 'connection_error', 'timeout'],
  },
  hedgeOutcome: {
    name: 'resilience.hedge.outcome',
    type: 'string',
    values: ['won', 'lost', 'failed'],
    description: 'What became of the hedge: the app got its answer, the answer of another attempt, or it failed.',
  },
  hedgeEndpoint: {
    name: 'resilience.hedge.endpoint',
    type: 'string',
    description: 'Where the hedge went: the upstream, or a fallback endpoint of it.',
  },
  hedgeDelay: {
    name: 'resilience.hedge.delay',
    type: 'double',
    description: 'Seconds for which the attempt before it had no response head.',
  },
  retryDelay: { name: 'resilience.retry.delay', type: 'double', description: 'Seconds until the next attempt.' },
  timeoutScope: {
    name: 'resilience.timeout.scope',
    type: 'string',
    description: 'Which limit ran out.',
    values: ['attempt', 'total', 'idle'],
  },
  timeoutDuration: { name: 'resilience.timeout.duration', type: 'double', description: 'The limit, in seconds.' },
  attemptCount: { name: 'resilience.attempt.count', type: 'int', description: 'Attempts made on the wire.' },
  outcome: {
    name: 'resilience.outcome',
    type: 'string',
    description: 'How the call ended for the app.',
    values: ['success', 'failure', 'rejected', 'fallback'],
  },
  fallbackSource: {
    name: 'resilience.fallback.source',
    type: 'string',
    description: 'Where the substitute came from.',
    values: ['endpoint', 'cache', 'degraded', 'handler'],
  },
  bulkheadState: {
    name: 'resilience.bulkhead.state',
    type: 'string',
    description: 'Which part of the bulkhead is meant.',
    values: BULKHEAD_STATES,
  },
  mode: {
    name: 'resilience.mode',
    type: 'string',
    description: 'Only when `observe`: what is told would have been done, and was not.',
    values: ['observe'],
  },
  errorType: {
    name: 'error.type',
    type: 'string',
    description: 'Reason of the rejection, `timeout`, else status code, code or name of the error. Absent on success.',
  },
  requestId: {
    name: 'request.id',
    type: 'string',
    description: "The app's own request id, from `withRequestContext` or the incoming `x-request-id`.",
  },
} as const satisfies Record<string, AttributeDefinition>;

/** Attribute names alone: `ATTR.policyName === 'resilience.policy.name'`. */
export const ATTR = Object.fromEntries(Object.entries(ATTRIBUTES).map(([key, { name }]) => [key, name])) as {
  readonly [K in keyof typeof ATTRIBUTES]: (typeof ATTRIBUTES)[K]['name'];
};

export interface SpanDefinition {
  /** Followed by a space and the policy's name. */
  readonly name: string;
  readonly kind: 'INTERNAL';
  readonly description: string;
  readonly attributes: readonly (keyof typeof ATTRIBUTES)[];
}

export const EXECUTION_SPAN: SpanDefinition = {
  name: 'resilience.execute',
  kind: 'INTERNAL',
  description: 'One call of the app with all its attempts. Made only where there is something to tell.',
  attributes: [
    'policyName',
    'upstreamName',
    'serverAddress',
    'serverPort',
    'requestMethod',
    'attemptCount',
    'outcome',
    'fallbackSource',
    'errorType',
    'mode',
    'requestId',
  ],
};

/** OpenTelemetry's severity numbers, as far as they are used here. */
export const SEVERITY = { DEBUG: 5, INFO: 9, WARN: 13 } as const;
export type Severity = keyof typeof SEVERITY;

export interface EventDefinition {
  readonly name: string;
  /** The least of the severities it is emitted with; the two changes go up to WARN when they are for the worse. */
  readonly severity: Severity;
  readonly description: string;
  /** Besides policy, upstream, server, method, mode and request id, which all events carry where known. */
  readonly attributes: readonly (keyof typeof ATTRIBUTES)[];
}

export const EVENTS = {
  circuitStateChange: {
    name: 'resilience.circuit_breaker.state_change',
    severity: 'INFO',
    description: 'A circuit breaker changed its state. WARN when it opened.',
    attributes: ['circuitName', 'circuitState', 'circuitPreviousState', 'transitionReason', 'failureRatio'],
  },
  upstreamHealthChange: {
    name: 'resilience.upstream.health_change',
    severity: 'INFO',
    description: 'The verdict on the health of an upstream changed. WARN when it became unhealthy.',
    attributes: ['upstreamState', 'upstreamErrorRatio'],
  },
  retryScheduled: {
    name: 'resilience.retry.scheduled',
    severity: 'DEBUG',
    description: 'Another attempt will be made.',
    attributes: ['retryReason', 'retryDelay', 'resendCount'],
  },
  hedgeSent: {
    name: 'resilience.hedge.sent',
    severity: 'DEBUG',
    description: 'Another attempt was sent beside one that was late. In observe mode: would have been.',
    attributes: ['hedgeEndpoint', 'hedgeDelay'],
  },
  callRejected: {
    name: 'resilience.call.rejected',
    severity: 'DEBUG',
    description: 'A call, or one of its attempts, was refused.',
    attributes: ['rejectionReason', 'errorType'],
  },
  callTimeout: {
    name: 'resilience.call.timeout',
    severity: 'DEBUG',
    description: 'A time limit of the policy ran out.',
    attributes: ['timeoutScope', 'timeoutDuration', 'errorType'],
  },
  fallbackUsed: {
    name: 'resilience.fallback.used',
    severity: 'INFO',
    description: 'The app gets a substitute. `error.type` says what for.',
    attributes: ['fallbackSource', 'errorType'],
  },
} as const satisfies Record<string, EventDefinition>;

export type InstrumentKind =
  | 'histogram'
  | 'counter'
  | 'observable_counter'
  | 'observable_updowncounter'
  | 'observable_gauge';

export interface MetricDefinition {
  readonly name: string;
  readonly instrument: InstrumentKind;
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly (keyof typeof ATTRIBUTES)[];
}

/** Bucket boundaries of `http.client.request.duration`, and two more for calls that wait and retry. Seconds. */
export const DURATION_BOUNDARIES: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60,
];

export const METRICS = {
  executionDuration: {
    name: 'resilience.execution.duration',
    instrument: 'histogram',
    unit: 's',
    description: 'Duration of calls, waits and all attempts included.',
    attributes: ['policyName', 'upstreamName', 'outcome', 'errorType'],
  },
  circuitStatus: {
    name: 'resilience.circuit_breaker.status',
    instrument: 'observable_updowncounter',
    unit: '1',
    description: 'Circuit breakers in each state: 1 for the current state, 0 for the others.',
    attributes: ['policyName', 'circuitName', 'circuitState'],
  },
  circuitTransitions: {
    name: 'resilience.circuit_breaker.transitions',
    instrument: 'counter',
    unit: '{transition}',
    description: 'Changes of state of circuit breakers.',
    attributes: ['policyName', 'circuitName', 'circuitState', 'circuitPreviousState', 'transitionReason'],
  },
  circuitFailureRatio: {
    name: 'resilience.circuit_breaker.failure_ratio',
    instrument: 'observable_gauge',
    unit: '1',
    description: 'Share of failed attempts in the window; nothing below the minimum of counted attempts.',
    attributes: ['policyName', 'circuitName'],
  },
  upstreamErrorRatio: {
    name: 'resilience.upstream.error_ratio',
    instrument: 'observable_gauge',
    unit: '1',
    description: 'Share of failed calls among the last ones.',
    attributes: ['upstreamName'],
  },
  upstreamStatus: {
    name: 'resilience.upstream.status',
    instrument: 'observable_updowncounter',
    unit: '1',
    description: 'Upstreams in each state of health: 1 for the current state, 0 for the other.',
    attributes: ['upstreamName', 'upstreamState'],
  },
  rejections: {
    name: 'resilience.rejections',
    instrument: 'observable_counter',
    unit: '{call}',
    description: 'Calls and attempts refused.',
    attributes: ['policyName', 'upstreamName', 'rejectionReason'],
  },
  retries: {
    name: 'resilience.retries',
    instrument: 'observable_counter',
    unit: '{retry}',
    description: 'Further attempts.',
    attributes: ['policyName', 'upstreamName', 'retryReason'],
  },
  hedges: {
    name: 'resilience.hedges',
    instrument: 'observable_counter',
    unit: '{hedge}',
    description: 'Attempts sent beside one that was late, by what became of them.',
    attributes: ['policyName', 'upstreamName', 'hedgeOutcome'],
  },
  fallbacks: {
    name: 'resilience.fallbacks',
    instrument: 'observable_counter',
    unit: '{fallback}',
    description: 'Substitutes given to the app.',
    attributes: ['policyName', 'upstreamName', 'fallbackSource'],
  },
  admissionProbability: {
    name: 'resilience.admission.rejection_probability',
    instrument: 'observable_gauge',
    unit: '1',
    description: 'The chance that admission refuses the next call, 0 to 1.',
    attributes: ['upstreamName'],
  },
  bulkheadUsage: {
    name: 'resilience.bulkhead.usage',
    instrument: 'observable_updowncounter',
    unit: '{call}',
    description: 'Calls running, and calls waiting.',
    attributes: ['upstreamName', 'bulkheadState'],
  },
  bulkheadLimit: {
    name: 'resilience.bulkhead.limit',
    instrument: 'observable_updowncounter',
    unit: '{call}',
    description: 'Calls that may run, and calls that may wait. Where the limit adapts: the one of now.',
    attributes: ['upstreamName', 'bulkheadState'],
  },
  bulkheadWait: {
    name: 'resilience.bulkhead.wait.duration',
    instrument: 'histogram',
    unit: 's',
    description: 'Time that calls waited for admission; only those that did.',
    attributes: ['upstreamName'],
  },
  retryBudget: {
    name: 'resilience.retry_budget.remaining',
    instrument: 'observable_gauge',
    unit: '{retry}',
    description: 'Further attempts that the budget would allow now.',
    attributes: ['upstreamName'],
  },
} as const satisfies Record<string, MetricDefinition>;

/** `node:diagnostics_channel` on which every event is published to listeners in the process. */
export const EVENT_CHANNEL = 'resilience:event';
