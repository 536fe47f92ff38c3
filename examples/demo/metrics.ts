import { ATTR, METRICS } from '../../src/telemetry/names.ts';
import type { OtlpReceiver } from '../../test/support/otlp-receiver.ts';
import { table } from './screen.ts';
import type { Tally } from './visitors.ts';

/** The app's calls as the metrics count them, by how they ended. */
export function tallyOf(receiver: OtlpReceiver): Tally {
  const count = (outcome: string) =>
    receiver
      .series(METRICS.executionDuration.name)
      .filter(({ attributes }) => attributes[ATTR.outcome] === outcome)
      .reduce((sum, point) => sum + (point.count ?? 0), 0);
  return { answered: count('success'), failed: count('failure'), rejected: count('rejected') };
}

/** What a dashboard would show at the end of the demo. */
export function metricsTable(receiver: OtlpReceiver): string[] {
  const { answered, failed, rejected } = tallyOf(receiver);
  const current = (metric: string, attribute: string) =>
    receiver.series(metric).find(({ value }) => value === 1)?.attributes[attribute];
  const each = (metric: string, ...attributes: readonly string[]) =>
    receiver.series(metric).map((point) => {
      return `${point.value} ${attributes.map((attribute) => point.attributes[attribute]).join(' -> ')}`;
    });
  const ratio = receiver.series(METRICS.upstreamErrorRatio.name)[0]?.value;
  const transitions = each(METRICS.circuitTransitions.name, ATTR.circuitPreviousState, ATTR.circuitState);
  return table([
    [METRICS.executionDuration.name, `${answered} success, ${failed} failure, ${rejected} rejected`],
    [METRICS.rejections.name, each(METRICS.rejections.name, ATTR.rejectionReason).join(', ')],
    ...transitions.map((text, index) => [index === 0 ? METRICS.circuitTransitions.name : '', text]),
    [METRICS.circuitStatus.name, `${current(METRICS.circuitStatus.name, ATTR.circuitState)}`],
    [METRICS.upstreamErrorRatio.name, ratio?.toFixed(2) ?? 'none'],
    [METRICS.upstreamStatus.name, `${current(METRICS.upstreamStatus.name, ATTR.upstreamState)}`],
  ]);
}
