import type { Change, CircuitAction } from '../document.ts';
import { CircuitRow } from './circuit-row.ts';
import { element, setData, setText } from './dom.ts';
import { count, UNKNOWN, words } from './format.ts';
import type { UpstreamModel } from './model.ts';
import { badge } from './timeline.ts';
import { UpstreamPlots } from './upstream-plots.ts';

export interface CardOptions {
  readonly actions: boolean;
  readonly act: (action: CircuitAction, name: string) => void;
}

/** Listed even at zero, so that nothing moves when the first one comes. */
const REJECTIONS = ['circuit_open', 'bulkhead_full', 'bulkhead_timeout', 'rate_limited', 'total_timeout'];
const FALLBACKS = ['endpoint', 'cache', 'degraded', 'handler'];
/** Reasons of retries are an open set: the commonest are shown. */
const MAX_ROWS = 4;

type Row = readonly [label: string, value: string];

let cards = 0;

/** All about one upstream. Built once; after that only texts change. */
export class UpstreamCard {
  readonly node: HTMLElement;
  readonly plots = new UpstreamPlots();
  readonly #options: CardOptions;
  readonly #state = badge('');
  readonly #health = element('span', { class: 'badge' });
  readonly #circuits = element('ul', { class: 'circuits', 'aria-label': 'Circuit breakers' });
  readonly #rows = new Map<string, CircuitRow>();
  readonly #tiles = new Map(
    ['Calls', 'Rejections', 'Retries', 'Fallbacks', 'Limits'].map((title) => [title, tileOf(title)] as const),
  );

  constructor({ now }: UpstreamModel, options: CardOptions) {
    this.#options = options;
    const id = `upstream-${++cards}`;
    const heading = element('h2', { id }, now.upstream);
    const badges = [this.#state, this.#health];
    if (now.mode === 'observe')
      badges.push(element('span', { class: 'badge', 'data-state': 'observe' }, 'observe only'));
    const head = element(
      'header',
      {},
      heading,
      element('span', { class: 'policy' }, `policy ${now.policy}`),
      ...badges,
    );
    const tiles = Array.from(this.#tiles.values(), ({ node }) => node);
    this.node = element(
      'article',
      { class: 'card', 'aria-labelledby': id },
      head,
      element('div', { class: 'plots' }, ...this.plots.nodes),
      element('div', { class: 'tiles' }, ...tiles),
      this.#circuits,
    );
  }

  update(upstream: UpstreamModel, sampledAt: readonly number[], changes: readonly Change[]): void {
    const { now } = upstream;
    const state = now.circuits[0]?.state ?? 'no_breaker';
    setData(this.node, 'state', state);
    setData(this.#state, 'state', state);
    setText(this.#state, words(state));
    setData(this.#health, 'state', now.unhealthy ? 'unhealthy' : 'healthy');
    setText(this.#health, now.unhealthy ? 'unhealthy' : 'healthy');
    this.plots.update(upstream, sampledAt, changes);
    this.#updateTiles(upstream);
    this.#updateCircuits(upstream);
  }

  #updateTiles({ now }: UpstreamModel): void {
    const { totals, bulkhead, retryBudget } = now;
    const tile = (title: string, rows: readonly Row[], sum?: number): void => this.#tiles.get(title)?.show(rows, sum);
    const sum = totals.success + totals.failure + totals.rejected + totals.fallback;
    const results = [
      ['ok', totals.success],
      ['failed', totals.failure],
      ['rejected', totals.rejected],
      ['fallback', totals.fallback],
    ] as const;
    tile(
      'Calls',
      results.map(([label, value]) => [label, count(value)]),
      sum,
    );
    tile('Rejections', rowsOf(now.rejections, REJECTIONS), sumOf(now.rejections));
    tile('Retries', commonest(now.retries), sumOf(now.retries));
    tile('Fallbacks', rowsOf(now.fallbacks, FALLBACKS), sumOf(now.fallbacks));
    tile('Limits', [
      ['running', bulkhead === null ? UNKNOWN : `${count(bulkhead.executing)} / ${count(bulkhead.maxConcurrent)}`],
      ['waiting', bulkhead === null ? UNKNOWN : `${count(bulkhead.queued)} / ${count(bulkhead.maxQueue)}`],
      ['retries left', retryBudget === null ? UNKNOWN : count(retryBudget)],
    ]);
  }

  #updateCircuits({ now }: UpstreamModel): void {
    for (const circuit of now.circuits) {
      let row = this.#rows.get(circuit.name);
      if (row === undefined) {
        row = new CircuitRow(circuit.name, this.#options);
        this.#rows.set(circuit.name, row);
        this.#circuits.append(row.node);
      }
      row.update(circuit);
    }
  }
}

function tileOf(title: string) {
  const total = element('output');
  const list = element('dl');
  const node = element('section', { class: 'tile' }, element('h3', {}, title, total), list);
  const show = (rows: readonly Row[], sum?: number): void => {
    setText(total, sum === undefined ? '' : count(sum));
    while (list.children.length > rows.length) list.lastElementChild?.remove();
    for (const [index, [label, value]] of rows.entries()) {
      const row = list.children[index] ?? list.appendChild(element('div', {}, element('dt'), element('dd')));
      for (const [child, text] of [label, value].entries()) setText(row.children[child] as Element, text);
      row.classList.toggle('zero', value === '0');
    }
  };
  return { node, show };
}

function rowsOf(counts: Readonly<Record<string, number>>, names: readonly string[]): Row[] {
  return names.map((name) => [words(name), count(counts[name] ?? 0)]);
}

function commonest(counts: Readonly<Record<string, number>>): Row[] {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const others = sorted.slice(MAX_ROWS);
  const rows = sorted.slice(0, MAX_ROWS).map(([name, value]): Row => [name, count(value)]);
  if (others.length > 0) rows.push(['others', count(others.reduce((sum, [, value]) => sum + value, 0))]);
  return rows;
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, value) => sum + value, 0);
}
