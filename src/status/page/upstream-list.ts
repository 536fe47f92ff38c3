import type { Change, CircuitAction } from '../document.ts';
import { bySeverity } from '../situation.ts';
import { type View, writeView } from './address.ts';
import { byId, setText } from './dom.ts';
import { count } from './format.ts';
import type { Model, UpstreamModel } from './model.ts';
import { UpstreamRow } from './upstream-row.ts';

const FILTERS: Readonly<Record<string, (upstream: UpstreamModel) => boolean>> = {
  all: () => true,
  open: ({ now }) => now.circuits.some(({ state }) => state !== 'closed' && state !== 'forced_closed'),
  unhealthy: ({ now }) => now.unhealthy,
};

/** The rows, the worst first, and what chooses among them. */
export class UpstreamList {
  readonly #rows = new Map<string, UpstreamRow>();
  readonly #list = byId('upstreams', HTMLElement);
  readonly #search = byId('search', HTMLInputElement);
  readonly #model: Model;
  readonly #view: View;
  readonly #act: (action: CircuitAction, name: string) => void;
  readonly #inView = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) this.#rowOf(target)?.spark.draw(isIntersecting);
    },
    { rootMargin: '200px' },
  );

  constructor(model: Model, view: View, act: (action: CircuitAction, name: string) => void) {
    this.#model = model;
    this.#view = view;
    this.#act = act;
    if (FILTERS[view.filter] === undefined) view.filter = 'all';
    for (const filter of Object.keys(FILTERS)) {
      this.#buttonOf(filter).addEventListener('click', () => this.#choose({ filter }));
    }
    this.#search.value = view.search;
    this.#search.addEventListener('input', () => this.#choose({ search: this.#search.value }));
  }

  clear(): void {
    for (const row of this.#rows.values()) this.#remove(row);
    this.#rows.clear();
  }

  redraw(): void {
    for (const row of this.#rows.values()) row.redraw();
  }

  show(changes: readonly Change[]): void {
    const { upstreams, sampledAt, at } = this.#model;
    for (const [key, row] of this.#rows) {
      if (upstreams.has(key)) continue;
      this.#remove(row);
      this.#rows.delete(key);
    }
    for (const upstream of upstreams.values()) {
      const row = this.#rows.get(upstream.key) ?? this.#add(upstream);
      row.node.hidden = !this.#chosen(upstream);
      row.update(upstream, at, sampledAt, changes);
      if (upstream.key === this.#view.expanded) row.expand(upstream, sampledAt, changes);
      else row.collapse();
    }
    this.#order([...upstreams.values()]);
    this.#showFilters([...upstreams.values()]);
  }

  #choose(change: Partial<View>): void {
    Object.assign(this.#view, change);
    writeView(this.#view);
    this.show(this.#model.changes);
  }

  #chosen(upstream: UpstreamModel): boolean {
    const { filter, search } = this.#view;
    const { upstream: name, policy } = upstream.now;
    return (
      FILTERS[filter]?.(upstream) === true && `${name} ${policy}`.toLowerCase().includes(search.trim().toLowerCase())
    );
  }

  /** Moves nothing that is in its place, and takes the focus along. */
  #order(upstreams: readonly UpstreamModel[]): void {
    const sorted = upstreams.toSorted((a, b) => bySeverity(a.now, b.now));
    const focused = document.activeElement;
    let place = this.#list.firstElementChild;
    for (const { key } of sorted) {
      const node = this.#rows.get(key)?.node;
      if (node === undefined) continue;
      if (node === place) place = node.nextElementSibling;
      else this.#list.insertBefore(node, place);
    }
    if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }

  #showFilters(upstreams: readonly UpstreamModel[]): void {
    for (const [filter, matches] of Object.entries(FILTERS)) {
      const button = this.#buttonOf(filter);
      setText(button.querySelector('output') ?? button, count(upstreams.filter(matches).length));
      button.setAttribute('aria-pressed', String(filter === this.#view.filter));
    }
    const none = upstreams.length > 0 && !upstreams.some((upstream) => this.#chosen(upstream));
    byId('none-match', HTMLElement).hidden = !none;
    byId('headings', HTMLElement).hidden = upstreams.length === 0 || none;
  }

  #add(upstream: UpstreamModel): UpstreamRow {
    const row = new UpstreamRow(upstream, {
      actions: this.#model.document?.actions === true,
      act: this.#act,
      toggle: (key) => this.#choose({ expanded: this.#view.expanded === key ? '' : key }),
    });
    this.#rows.set(upstream.key, row);
    this.#list.append(row.node);
    this.#inView.observe(row.node);
    return row;
  }

  #remove(row: UpstreamRow): void {
    row.collapse();
    this.#inView.unobserve(row.node);
    row.node.remove();
  }

  #buttonOf(filter: string): HTMLButtonElement {
    return byId(`filter-${filter}`, HTMLButtonElement);
  }

  #rowOf(node: Element): UpstreamRow | undefined {
    return [...this.#rows.values()].find((row) => row.node === node);
  }
}
