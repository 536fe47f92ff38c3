import type { Change, UpstreamNow } from '../document.ts';
import { percentText, words } from '../situation.ts';
import { CircuitRow } from './circuit-row.ts';
import { element, setText } from './dom.ts';
import { count } from './format.ts';
import type { UpstreamModel } from './model.ts';
import { UpstreamPlots } from './upstream-plots.ts';
import type { RowOptions } from './upstream-row.ts';

/** A name of `/status` and of `getResilience()`, and what there is of it: nothing that is zero. */
type Fact = readonly [label: string, value: string];

/** All about one upstream: plots, counts and circuits. */
export class UpstreamDetails {
  readonly plots = new UpstreamPlots();
  readonly nodes: readonly HTMLElement[];
  readonly #options: RowOptions;
  readonly #facts = element('dl', { class: 'facts' });
  readonly #circuits = element('ul', { class: 'circuits', 'aria-label': 'Circuit breakers' });
  readonly #rows = new Map<string, CircuitRow>();

  constructor(options: RowOptions) {
    this.#options = options;
    this.nodes = [element('div', { class: 'plots' }, ...this.plots.nodes), this.#facts, this.#circuits];
  }

  update(upstream: UpstreamModel, sampledAt: readonly number[], changes: readonly Change[]): void {
    this.plots.update(upstream, sampledAt, changes);
    this.#showFacts(factsOf(upstream.now));
    for (const circuit of upstream.now.circuits) {
      let row = this.#rows.get(circuit.name);
      if (row === undefined) {
        row = new CircuitRow(circuit.name, this.#options);
        this.#rows.set(circuit.name, row);
        this.#circuits.append(row.node);
      }
      row.update(circuit);
    }
  }

  #showFacts(facts: readonly Fact[]): void {
    const list = this.#facts;
    while (list.children.length > facts.length) list.lastElementChild?.remove();
    for (const [index, fact] of facts.entries()) {
      const row = list.children[index] ?? list.appendChild(element('div', {}, element('dt'), element('dd')));
      for (const [child, text] of fact.entries()) setText(row.children[child] as Element, text);
    }
  }
}

function factsOf(now: UpstreamNow): Fact[] {
  const { results, admission, bulkhead, retryBudget, rejections, retries, hedges, fallbacks } = now;
  const observed = now.mode === 'observe' ? ' (would have been)' : '';
  return [
    ['policy', now.policy],
    ['calls', breakdown({ ...results })],
    [`rejections${observed}`, breakdown(rejections)],
    [`retries${observed}`, breakdown(retries)],
    [`hedges${observed}`, breakdown(hedges)],
    [`fallbacks${observed}`, breakdown(fallbacks)],
    [
      `admission${observed}`,
      admission === null || admission.probability === 0 ? '' : refusingText(admission.probability),
    ],
    ['bulkhead', bulkhead === null ? '' : bulkheadText(bulkhead)],
    ['retry budget', retryBudget === null ? '' : `${count(retryBudget)} left`],
  ].filter((fact): fact is [string, string] => fact[1] !== '');
}

/** `1,692: 1,600 circuit open, 92 bulkhead full`; empty for nothing at all. */
function breakdown(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts)
    .filter(([, value]) => value > 0)
    .toSorted(([, a], [, b]) => b - a);
  if (parts.length === 0) return '';
  const sum = parts.reduce((total, [, value]) => total + value, 0);
  return `${count(sum)}: ${parts.map(([name, value]) => `${count(value)} ${words(name)}`).join(', ')}`;
}

function refusingText(probability: number): string {
  return `refuses ${percentText(probability)} of the calls`;
}

function bulkheadText(bulkhead: NonNullable<UpstreamNow['bulkhead']>): string {
  const { executing, queued, maxConcurrent, maxQueue, adaptive } = bulkhead;
  const waiting = queued === 0 ? '' : `, ${count(queued)} of ${count(maxQueue)} waiting`;
  const moving = adaptive === undefined ? '' : `, a limit between ${count(adaptive.min)} and ${count(adaptive.max)}`;
  return `${count(executing)} of ${count(maxConcurrent)} running${waiting}${moving}`;
}
