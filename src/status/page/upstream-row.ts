import type { Change, CircuitAction } from '../document.ts';
import { type Situation, situationOf } from '../situation.ts';
import { element, setData, setText } from './dom.ts';
import { duration, percent, rate, time } from './format.ts';
import type { UpstreamModel } from './model.ts';
import { Sparkline } from './sparkline.ts';
import { badge } from './timeline.ts';
import { UpstreamDetails } from './upstream-details.ts';

export interface RowOptions {
  readonly actions: boolean;
  readonly act: (action: CircuitAction, name: string) => void;
  /** The row was clicked. */
  readonly toggle: (key: string) => void;
}

let rows = 0;

/** One upstream in one line, and all about it below when it is expanded. Built once; after that only texts change. */
export class UpstreamRow {
  readonly node: HTMLElement;
  readonly spark = new Sparkline();
  readonly #options: RowOptions;
  readonly #button: HTMLButtonElement;
  readonly #badge = badge('', 'ok');
  readonly #what = element('span', { class: 'what' });
  readonly #errors = element('span', { class: 'number errors', title: 'Error ratio of the last calls' });
  readonly #rate = element('span', { class: 'number rate', title: 'Calls per second' });
  readonly #latency = element('span', { class: 'number latency', title: '95th percentile of call duration' });
  readonly #panel: HTMLElement;
  #details: UpstreamDetails | undefined;

  constructor({ key, now }: UpstreamModel, options: RowOptions) {
    this.#options = options;
    const id = `details-${++rows}`;
    const policy = now.policy === 'default' ? [] : [element('small', {}, ` ${now.policy}`)];
    this.#button = element(
      'button',
      { type: 'button', 'aria-expanded': 'false', 'aria-controls': id },
      this.#badge,
      element('span', { class: 'name', title: `${now.upstream}, policy ${now.policy}` }, now.upstream, ...policy),
      this.#what,
      this.#errors,
      this.#rate,
      this.#latency,
      this.spark.node,
    );
    this.#button.addEventListener('click', () => options.toggle(key));
    this.#panel = element('div', { id, class: 'details' });
    this.#panel.hidden = true;
    this.node = element('article', { class: 'row' }, element('h3', {}, this.#button), this.#panel);
  }

  update(upstream: UpstreamModel, at: number, sampledAt: readonly number[], changes: readonly Change[]): void {
    const { now, history } = upstream;
    const situation = situationOf(now, at, time);
    this.#showSituation(situation);
    setData(this.node, 'state', now.circuits[0]?.state ?? 'no_breaker');
    setText(this.#errors, percent(now.errorRatio));
    setText(this.#rate, rate(sumOfLast(history)));
    setText(this.#latency, duration(now.latency?.p95Ms));
    this.spark.update(history);
    this.#details?.update(upstream, sampledAt, changes);
  }

  expand(upstream: UpstreamModel, sampledAt: readonly number[], changes: readonly Change[]): void {
    if (this.#details !== undefined) return;
    this.#details = new UpstreamDetails(this.#options);
    this.#panel.append(...this.#details.nodes);
    this.#panel.hidden = false;
    this.#button.setAttribute('aria-expanded', 'true');
    this.#details.update(upstream, sampledAt, changes);
    this.#details.plots.draw(true);
  }

  collapse(): void {
    if (this.#details === undefined) return;
    this.#details.plots.draw(false);
    this.#details = undefined;
    this.#panel.replaceChildren();
    this.#panel.hidden = true;
    this.#button.setAttribute('aria-expanded', 'false');
  }

  redraw(): void {
    this.spark.redraw();
    this.#details?.plots.redraw();
  }

  #showSituation({ tone, label, details }: Situation): void {
    setData(this.node, 'tone', tone);
    setData(this.#badge, 'tone', tone);
    setText(this.#badge, label);
    setText(this.#what, details.join(', '));
  }
}

function sumOfLast({ success, failure, rejected, fallback }: UpstreamModel['history']): number | null {
  const parts = [success, failure, rejected, fallback].map((column) => column.at(-1) ?? null);
  return parts.every((part) => part === null) ? null : parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
}
