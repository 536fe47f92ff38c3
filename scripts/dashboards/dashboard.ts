import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { calls, decisions, latency, limits } from './call-panels.ts';
import { circuits } from './circuit-panels.ts';
import { DATASOURCE, stat } from './panels.ts';
import { by, callsThatEnded, label, legend, PLAIN, REFUSING, rate, select } from './selectors.ts';

/** Which share of the calls of the last five minutes ended so. */
function share(outcome: string): string {
  return `sum(${rate(callsThatEnded(`=${outcome}`), '5m')}) / sum(${rate(callsThatEnded(), '5m')})`;
}

/** The dashboard of Grafana, as an object to be written as JSON. */
export function dashboard(): object {
  const builder = new DashboardBuilder('Resilience: upstreams')
    .uid('otel-resilience-upstreams')
    .description(
      'What circuit breakers, retries, bulkheads, rate limits and fallbacks of opentelemetry-instrumentation-resilience ' +
        `do, by upstream. ${PLAIN}`,
    )
    .tags(['opentelemetry', 'resilience'])
    .editable()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(variable('job', 'Service', `label_values(${seriesName('executionDuration', 'count')}, job)`))
    .withVariable(
      variable(
        'upstream',
        'Upstream',
        `label_values(${seriesName('upstreamStatus')}{job=~"$job"}, ${label('upstreamName')})`,
      ),
    )
    .annotation(openings());
  now(builder);
  circuits(builder);
  calls(builder);
  latency(builder);
  decisions(builder);
  limits(builder);
  return builder.build();
}

function seriesName(metric: Parameters<typeof select>[0], part?: 'count'): string {
  return select(metric, {}, part).split('{')[0] as string;
}

function variable(name: string, title: string, definition: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(title)
    .datasource(DATASOURCE)
    .query({ query: definition, refId: name })
    .definition(definition)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: ['All'], value: ['$__all'] });
}

function openings(): AnnotationQueryBuilder {
  const transitions = select('circuitTransitions', { circuitState: '=open', circuitPreviousState: '=closed' });
  const expr = by('sum', ['job', 'circuitName', 'transitionReason'], `increase(${transitions}[$__interval])`);
  return new AnnotationQueryBuilder()
    .name('Circuit opened')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('red')
    .expr(`${expr} > 0`)
    .titleFormat(`${legend('circuitName')} opened`)
    .textFormat(`${legend('transitionReason')} in {{job}}`);
}

function now(builder: DashboardBuilder): void {
  const size = { w: 4, h: 4 };
  const open = by('max', ['policyName', 'circuitName'], select('circuitStatus', { circuitState: REFUSING }));
  const unhealthy = by('max', ['upstreamName'], select('upstreamStatus', { upstreamState: '=unhealthy' }));
  builder
    .withRow(new RowBuilder('Now'))
    .withPanel(
      stat(
        { title: 'Open circuits', description: `Circuits that refuse calls in at least one process. ${PLAIN}` },
        `count(${open} > 0)`,
        'green',
        [[1, 'red']],
      ).gridPos({ x: 0, y: 1, ...size }),
    )
    .withPanel(
      stat(
        {
          title: 'Unhealthy upstreams',
          description: 'Upstreams whose last calls failed too often, or whose circuit is open.',
        },
        `count(${unhealthy} > 0)`,
        'green',
        [[1, 'orange']],
      ).gridPos({ x: 4, y: 1, ...size }),
    )
    .withPanel(
      stat(
        { title: 'Calls', description: 'Calls of the app, retries not counted.', unit: 'reqps' },
        `sum(${rate(callsThatEnded(), '5m')})`,
        'blue',
      ).gridPos({
        x: 8,
        y: 1,
        ...size,
      }),
    );
  const shares = [
    ['Failed', 'failure', 'Share of the calls that reached the app as failures.', 0.01, 0.1],
    [
      'Refused',
      'rejected',
      'Share of the calls that were refused: circuit open, bulkhead full, rate limited, not admitted.',
      0.01,
      0.1,
    ],
    ['Answered by a fallback', 'fallback', 'Share of the calls that got a substitute.', 0.05, 0.2],
  ] as const;
  for (const [index, [title, outcome, description, some, many]] of shares.entries()) {
    const panel = stat({ title, description, unit: 'percentunit' }, share(outcome), 'green', [
      [some, 'orange'],
      [many, 'red'],
    ]);
    builder.withPanel(panel.gridPos({ x: 12 + 4 * index, y: 1, ...size }));
  }
}
