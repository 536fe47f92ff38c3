import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export const DATASOURCE = { type: 'prometheus', uid: '$' + '{datasource}' };

export interface Described {
  readonly title: string;
  readonly description: string;
  readonly unit?: string;
}

/** From which value on a number is shown in which colour. */
type Steps = readonly (readonly [from: number, colour: string])[];

export function thresholds(base: string, steps: Steps = []): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ color: base, value: null }, ...steps.map(([value, color]) => ({ color, value }))]);
}

export function query(expr: string, legendFormat = ''): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).expr(expr).legendFormat(legendFormat);
}

/** One number of now. */
export function stat(
  { title, description, unit = 'none' }: Described,
  expr: string,
  base: string,
  steps: Steps = [],
): StatBuilder {
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .noValue('0')
    .thresholds(thresholds(base, steps))
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .textMode(BigValueTextMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .withTarget(query(expr).instant().refId('A'));
}

/** Lines over time, with a table of them below. `stacked`: parts of a whole. */
export function lines(
  { title, description, unit = 'short' }: Described,
  queries: readonly (readonly [expr: string, legend: string])[],
  stacked = false,
): TimeseriesBuilder {
  const panel = new TimeseriesBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .min(0)
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(1)
    .fillOpacity(stacked ? 25 : 5)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .stacking(new StackingConfigBuilder().mode(stacked ? StackingMode.Normal : StackingMode.None).group('A'))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  for (const [index, [expr, legend]] of queries.entries()) {
    panel.withTarget(
      query(expr, legend)
        .range()
        .exemplar(unit === 's')
        .refId(String.fromCharCode(65 + index)),
    );
  }
  return panel;
}

/** Rows of now, without their time. `names`: columns as they are headed. */
export function rows(
  { title, description }: Described,
  expr: string,
  names: Readonly<Record<string, string>>,
): TableBuilder {
  const indexByName = Object.fromEntries(Object.keys(names).map((name, index) => [name, index]));
  return new TableBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .decimals(0)
    .withTarget(query(expr).instant().format(PromQueryFormat.Table).refId('A'))
    .withTransformation({
      id: 'organize',
      options: { excludeByName: { Time: true }, indexByName, renameByName: names },
    });
}
