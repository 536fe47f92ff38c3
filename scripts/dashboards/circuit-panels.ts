import { VisibilityMode } from '@grafana/grafana-foundation-sdk/common';
import { type DashboardBuilder, MappingType, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { DATASOURCE, lines, query, rows, thresholds } from './panels.ts';
import { by, label, legend, PLAIN, REFUSING, select } from './selectors.ts';

/** Worse states have greater numbers, so that the worst of all processes is the maximum. */
const STATES = [
  ['closed', 'green'],
  ['half_open', 'yellow'],
  ['open', 'red'],
  ['forced_closed', 'blue'],
  ['forced_open', 'purple'],
] as const;

function stateTimeline(): StateTimelineBuilder {
  const states = STATES.map(([state], index) => `${index} * ${select('circuitStatus', { circuitState: `=${state}` })}`);
  return new StateTimelineBuilder()
    .title('State of circuits')
    .description('The worst state among all processes.')
    .datasource(DATASOURCE)
    .thresholds(thresholds('green'))
    .mappings([
      {
        type: MappingType.ValueToText,
        options: Object.fromEntries(STATES.map(([text, color], index) => [String(index), { text, color, index }])),
      },
    ])
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .rowHeight(0.8)
    .withTarget(
      query(by('max', ['circuitName'], states.join(' or ')), legend('circuitName'))
        .range()
        .refId('A'),
    );
}

export function circuits(builder: DashboardBuilder): void {
  const status = select('circuitStatus', { circuitState: REFUSING });
  const open = by('sum', ['circuitName'], status);
  const all = by('count', ['circuitName'], select('circuitStatus', { circuitState: '=open' }));
  const where = rows(
    {
      title: 'Open in which processes',
      description: 'Each process whose circuit refuses calls now. One alone of many has a problem of its own.',
    },
    `${by('max', ['circuitName', 'job', 'instance'], status)} > 0`,
    { [label('circuitName')]: 'circuit', job: 'service', instance: 'instance', Value: 'open' },
  );
  builder
    .withRow(new RowBuilder('Circuits'))
    .withPanel(stateTimeline().gridPos({ x: 0, y: 6, w: 24, h: 8 }))
    .withPanel(
      lines(
        {
          title: 'Open in how many processes',
          description: `"open" of "all": processes whose circuit refuses calls, of those that have the circuit. ${PLAIN}`,
        },
        [
          [`${open} > 0`, `${legend('circuitName')} open`],
          [`${all} and on (${label('circuitName')}) (${open} > 0)`, `${legend('circuitName')} all`],
        ],
      )
        .decimals(0)
        .gridPos({ x: 0, y: 14, w: 12, h: 8 }),
    )
    .withPanel(where.gridPos({ x: 12, y: 14, w: 12, h: 8 }));
  ratios(builder);
}

function ratios(builder: DashboardBuilder): void {
  const transitions = by(
    'sum',
    ['circuitName', 'circuitPreviousState', 'circuitState', 'transitionReason'],
    `increase(${select('circuitTransitions')}[$__range])`,
  );
  builder
    .withPanel(
      lines(
        {
          title: 'Error ratio of upstreams',
          description: 'Share of failed calls among the last ones; refused calls are not counted.',
          unit: 'percentunit',
        },
        [[by('avg', ['upstreamName'], select('upstreamErrorRatio')), legend('upstreamName')]],
      )
        .max(1)
        .gridPos({ x: 0, y: 22, w: 8, h: 8 }),
    )
    .withPanel(
      lines(
        {
          title: 'Failure ratio in the window of circuits',
          description: 'What circuits decide on; nothing below their minimum of calls.',
          unit: 'percentunit',
        },
        [[by('max', ['circuitName'], select('circuitFailureRatio')), legend('circuitName')]],
      )
        .max(1)
        .gridPos({ x: 8, y: 22, w: 8, h: 8 }),
    )
    .withPanel(
      rows({ title: 'Transitions', description: 'Changes of state in the time shown.' }, `${transitions} > 0`, {
        [label('circuitName')]: 'circuit',
        [label('circuitPreviousState')]: 'from',
        [label('circuitState')]: 'to',
        [label('transitionReason')]: 'reason',
        Value: 'times',
      }).gridPos({ x: 16, y: 22, w: 8, h: 8 }),
    );
}
