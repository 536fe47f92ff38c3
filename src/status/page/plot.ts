import uPlot from 'uplot';
import { element, setText } from './dom.ts';

export interface SeriesSpec {
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly colour: string;
  /** Solid without it. Colours alone don't tell lines apart for everyone. */
  readonly dash?: keyof typeof DASHES;
}

const DASHES = { dashes: [6, 3], dots: [2, 3] };

/** A stretch of time to shade, in seconds since the epoch. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly colour: string;
}

export interface PlotSpec {
  readonly title: string;
  readonly series: readonly SeriesSpec[];
  readonly format: (value: number | null | undefined) => string;
  /** The least upper end of the scale. */
  readonly top: number;
}

export type Values = ReadonlyArray<number | null>;

const HEIGHT = 132;
const SPAN_S = 300;
const FONT = '11px system-ui, sans-serif';

/** One plot of the last minutes, with its numbers beside the title: the latest, or those under the pointer. */
export class Plot {
  readonly node: HTMLElement;
  readonly #spec: PlotSpec;
  readonly #box = element('div', { class: 'plot', role: 'img' });
  readonly #numbers: HTMLElement[];
  #chart: uPlot | undefined;
  #times: readonly number[] = [];
  #values: readonly Values[] = [];
  #bands: readonly Band[] = [];

  constructor(spec: PlotSpec) {
    this.#spec = spec;
    this.#numbers = spec.series.map(() => element('output'));
    const legend = spec.series.map(({ label, colour, dash = 'none' }, index) =>
      element(
        'span',
        { class: 'key', 'data-colour': colour, 'data-dash': dash },
        `${label} `,
        this.#numbers[index] ?? '',
      ),
    );
    const caption = element('figcaption', {}, element('span', { class: 'title' }, spec.title), ...legend);
    this.node = element('figure', {}, caption, this.#box);
  }

  /** `times` in seconds; `values` one list for each series. */
  update(times: readonly number[], values: readonly Values[], bands: readonly Band[]): void {
    this.#times = times;
    this.#values = values;
    this.#bands = bands;
    this.#showNumbers();
    const now = values.map((list, index) => `${this.#spec.series[index]?.label} ${this.#spec.format(list.at(-1))}`);
    this.#box.setAttribute('aria-label', `${this.#spec.title} of the last 5 minutes; now: ${now.join(', ')}`);
    this.#chart?.setData(this.#data());
  }

  /** Only plots in view have a canvas. */
  draw(visible: boolean): void {
    if (visible && this.#chart === undefined) {
      this.#chart = new uPlot(this.#options(), this.#data(), this.#box);
    } else if (!visible) {
      this.#chart?.destroy();
      this.#chart = undefined;
    }
  }

  /** For another width, or other colours. */
  redraw(): void {
    if (this.#chart === undefined) return;
    this.draw(false);
    this.draw(true);
  }

  #data(): uPlot.AlignedData {
    return [this.#times, ...this.#values] as uPlot.AlignedData;
  }

  #showNumbers(): void {
    const index = this.#chart?.cursor.idx ?? this.#times.length - 1;
    for (const [series, output] of this.#numbers.entries()) {
      setText(output, this.#spec.format(this.#values[series]?.[index]));
    }
  }

  #options(): uPlot.Options {
    const colours = getComputedStyle(this.#box);
    const colour = (name: string): string => colours.getPropertyValue(`--${name}`);
    const axis = {
      stroke: colour('muted'),
      font: FONT,
      ticks: { show: false },
      grid: { stroke: colour('line'), width: 1 },
    };
    const { series, format, top } = this.#spec;
    return {
      width: Math.max(this.#box.clientWidth, 100),
      height: HEIGHT,
      padding: [6, 16, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, sync: { key: 'time' }, points: { size: 5 }, y: false },
      scales: {
        x: { range: () => [(this.#times.at(-1) ?? SPAN_S) - SPAN_S, this.#times.at(-1) ?? SPAN_S] },
        y: { range: (_chart, _min, max) => [0, Math.max(top, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, size: 22, gap: 6, space: 70, values: '{HH}:{mm}', incrs: [60, 120] },
        {
          ...axis,
          size: 52,
          gap: 6,
          space: 30,
          values: (_chart, splits) => splits.map((split) => format(split).replace(/\.0(?!\d)/, '')),
        },
      ],
      series: [
        {},
        ...series.map(({ colour: stroke, dash }) => ({
          stroke: colour(stroke),
          width: 1.5,
          dash: dash === undefined ? [] : DASHES[dash],
          points: { show: false },
        })),
      ],
      hooks: { drawClear: [(chart) => this.#shade(chart, colour)], setCursor: [() => this.#showNumbers()] },
    };
  }

  #shade({ ctx, bbox, valToPos }: uPlot, colour: (name: string) => string): void {
    ctx.save();
    for (const { from, to, colour: name } of this.#bands) {
      const left = Math.max(valToPos(from, 'x', true), bbox.left);
      const right = Math.min(valToPos(to, 'x', true), bbox.left + bbox.width);
      ctx.fillStyle = colour(name);
      if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  }
}
