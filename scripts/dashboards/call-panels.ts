import { type DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { lines } from './panels.ts';
import { by, callsThatEnded, legend, PLAIN, rate, select } from './selectors.ts';

const OUTCOME_COLOURS = { success: 'green', failure: 'red', rejected: 'orange', fallback: 'blue' };

export function calls(builder: DashboardBuilder): void {
  const outcomes = lines(
    { title: 'Calls by outcome', description: "What became of the app's calls.", unit: 'reqps' },
    [[by('sum', ['outcome'], rate(callsThatEnded())), legend('outcome')]],
    true,
  );
  for (const [outcome, fixedColor] of Object.entries(OUTCOME_COLOURS)) {
    outcomes.overrideByName(outcome, [{ id: 'color', value: { mode: 'fixed', fixedColor } }]);
  }
  const errors = select('executionDuration', { errorType: '!=' }, 'count');
  builder
    .withRow(new RowBuilder('Calls'))
    .withPanel(outcomes.gridPos({ x: 0, y: 31, w: 8, h: 8 }))
    .withPanel(
      lines({ title: 'Calls by upstream', description: 'Calls per second.', unit: 'reqps' }, [
        [by('sum', ['upstreamName'], rate(callsThatEnded())), legend('upstreamName')],
      ]).gridPos({ x: 8, y: 31, w: 8, h: 8 }),
    )
    .withPanel(
      lines(
        {
          title: 'Failures by error',
          description: 'Status, code of an error, or the reason of a refusal.',
          unit: 'reqps',
        },
        [[by('sum', ['upstreamName', 'errorType'], rate(errors)), legend('upstreamName', 'errorType')]],
        true,
      ).gridPos({ x: 16, y: 31, w: 8, h: 8 }),
    );
}

export function latency(builder: DashboardBuilder): void {
  builder.withRow(new RowBuilder('Latency'));
  const titles = [
    [0.5, 'Median of call duration'],
    [0.95, '95th percentile of call duration'],
    [0.99, '99th percentile of call duration'],
  ] as const;
  // A refusal takes no time: in an outage refusals would make the upstream look fast.
  const buckets = select('executionDuration', { outcome: '!=rejected' }, 'bucket');
  for (const [index, [quantile, title]] of titles.entries()) {
    const expr = `histogram_quantile(${quantile}, ${by('sum', ['le', 'upstreamName'], rate(buckets))})`;
    const description =
      'Of calls that were not refused; waits, retries and fallbacks included. Exemplars lead to traces where the SDK and the ' +
      'path to Prometheus keep them.';
    builder.withPanel(
      lines({ title, description, unit: 's' }, [[expr, legend('upstreamName')]]).gridPos({
        x: 8 * index,
        y: 40,
        w: 8,
        h: 8,
      }),
    );
  }
}

export function decisions(builder: DashboardBuilder): void {
  builder
    .withRow(new RowBuilder('What was decided'))
    .withPanel(
      lines(
        { title: 'Rejections by reason', description: `Calls and attempts that were refused. ${PLAIN}`, unit: 'reqps' },
        [[by('sum', ['rejectionReason'], rate(select('rejections'))), legend('rejectionReason')]],
        true,
      ).gridPos({ x: 0, y: 49, w: 8, h: 8 }),
    )
    .withPanel(
      lines(
        {
          title: 'Retries and hedges',
          description: 'Further attempts per second, by reason or outcome.',
          unit: 'reqps',
        },
        [
          [by('sum', ['upstreamName', 'retryReason'], rate(select('retries'))), legend('upstreamName', 'retryReason')],
          [
            by('sum', ['upstreamName', 'hedgeOutcome'], rate(select('hedges'))),
            `${legend('upstreamName')} hedge ${legend('hedgeOutcome')}`,
          ],
        ],
        true,
      ).gridPos({ x: 8, y: 49, w: 8, h: 8 }),
    )
    .withPanel(
      lines(
        {
          title: 'Retry budget remaining',
          description: 'Further attempts that would be allowed now, in the process with the least left.',
        },
        [[by('min', ['upstreamName'], select('retryBudget')), legend('upstreamName')]],
      ).gridPos({ x: 16, y: 49, w: 8, h: 8 }),
    )
    .withPanel(
      lines(
        { title: 'Fallbacks by source', description: 'Substitutes given to the app.', unit: 'reqps' },
        [
          [
            by('sum', ['upstreamName', 'fallbackSource'], rate(select('fallbacks'))),
            legend('upstreamName', 'fallbackSource'),
          ],
        ],
        true,
      ).gridPos({ x: 0, y: 57, w: 8, h: 8 }),
    )
    .withPanel(
      lines(
        {
          title: 'Share of calls answered by a fallback',
          description: 'Of all calls to the upstream.',
          unit: 'percentunit',
        },
        [
          [
            `${by('sum', ['upstreamName'], rate(callsThatEnded('=fallback')))} / ${by('sum', ['upstreamName'], rate(callsThatEnded()))}`,
            legend('upstreamName'),
          ],
        ],
      )
        .max(1)
        .gridPos({ x: 12, y: 57, w: 12, h: 8 }),
    );
}

/** What is let through: admission, and bulkheads with their limits of now. */
export function limits(builder: DashboardBuilder): void {
  builder.withRow(new RowBuilder('Bulkheads and admission'));
  const parts = [
    ['executing', 'Calls running, of those that may'],
    ['queued', 'Calls waiting, of those that may'],
  ] as const;
  for (const [index, [state, title]] of parts.entries()) {
    const of = (metric: 'bulkheadUsage' | 'bulkheadLimit'): string =>
      by('sum', ['upstreamName'], select(metric, { bulkheadState: `=${state}` }));
    builder.withPanel(
      lines({ title, description: 'All processes together.' }, [
        [of('bulkheadUsage'), legend('upstreamName')],
        [of('bulkheadLimit'), `${legend('upstreamName')} limit`],
      ])
        .overrideByRegexp('/ limit$/', [
          { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 8] } },
          { id: 'custom.fillOpacity', value: 0 },
        ])
        .gridPos({ x: 6 * index, y: 66, w: 6, h: 8 }),
    );
  }
  const buckets = by('sum', ['le', 'upstreamName'], rate(select('bulkheadWait', {}, 'bucket')));
  builder.withPanel(
    lines({ title: '95th percentile of waiting', description: 'Of the calls that had to wait.', unit: 's' }, [
      [`histogram_quantile(0.95, ${buckets})`, legend('upstreamName')],
    ]).gridPos({ x: 12, y: 66, w: 6, h: 8 }),
  );
  builder.withPanel(
    lines(
      {
        title: 'Calls that admission refuses',
        description: 'The chance that the next call is refused, in the process with the highest.',
        unit: 'percentunit',
      },
      [[by('max', ['upstreamName'], select('admissionProbability')), legend('upstreamName')]],
    )
      .max(1)
      .gridPos({ x: 18, y: 66, w: 6, h: 8 }),
  );
}
