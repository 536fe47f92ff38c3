import type { Change, SampleDocument, StatusDocument } from '../document.ts';
import { Actions } from './actions.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { byId, setData, setText } from './dom.ts';
import { count, seconds, time } from './format.ts';
import { Model, type UpstreamModel } from './model.ts';
import { sentenceOf, Timeline } from './timeline.ts';
import { UpstreamCard } from './upstream-card.ts';

type Filter = 'all' | 'open' | 'unhealthy';

const FILTERS: Readonly<Record<Filter, (upstream: UpstreamModel) => boolean>> = {
  all: () => true,
  open: ({ now }) => now.circuits.some(({ state }) => state !== 'closed' && state !== 'forced_closed'),
  unhealthy: ({ now }) => now.unhealthy,
};

/** The page: hears the server, keeps the model, shows it. */
class Page {
  readonly #model = new Model();
  readonly #actions = new Actions();
  readonly #cards = new Map<string, UpstreamCard>();
  readonly #timeline = new Timeline(byId('changes', HTMLElement), byId('no-changes', HTMLElement));
  readonly #list = byId('upstreams', HTMLElement);
  readonly #connection = byId('connection', HTMLElement);
  readonly #filters = new Map<Filter, HTMLButtonElement>();
  #filter: Filter = 'all';
  readonly #inView = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) this.#cardOf(target)?.plots.draw(isIntersecting);
    },
    { rootMargin: '200px' },
  );

  start(): void {
    for (const filter of Object.keys(FILTERS) as Filter[]) {
      const button = byId(`filter-${filter}`, HTMLButtonElement);
      this.#filters.set(filter, button);
      button.addEventListener('click', () => {
        this.#filter = filter;
        this.#show();
      });
    }
    const redraw = (): void => {
      for (const card of this.#cards.values()) card.plots.redraw();
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    let [width, timer] = [innerWidth, 0];
    addEventListener('resize', () => {
      if (innerWidth === width) return;
      width = innerWidth;
      clearTimeout(timer);
      timer = window.setTimeout(redraw, 100);
    });
    void new Connection({
      token: () => this.#actions.token,
      askToken: () => this.#actions.askToken(),
      state: (state, retryMs) => this.#connected(state, retryMs),
      message: (event, data) => this.#heard(event, data),
    }).run();
  }

  #heard(event: string, data: unknown): void {
    if (event === 'snapshot') {
      for (const card of this.#cards.values()) card.node.remove();
      this.#cards.clear();
      this.#model.snapshot(data as StatusDocument);
      this.#showProcess(data as StatusDocument);
    } else if (event === 'sample') this.#model.sample(data as SampleDocument);
    else if (event === 'change') {
      this.#model.change(data as Change);
      setText(byId('announcement', HTMLElement), sentenceOf(data as Change));
    }
    this.#show();
  }

  #connected(state: ConnectionState, retryMs: number): void {
    const since = this.#model.at === 0 ? '' : ` since ${time(this.#model.at)}`;
    const texts: Record<ConnectionState, string> = {
      connecting: 'Connecting',
      live: 'Live',
      lost: `Connection lost${since}, next try in ${seconds(retryMs)}`,
      token_needed: 'Token needed',
    };
    setData(document.body, 'connection', state);
    setText(this.#connection, texts[state]);
  }

  #showProcess({ process, actions }: StatusDocument): void {
    const { pid, threadId, node, packageVersion, startedAt } = process;
    const thread = threadId === 0 ? '' : `, thread ${threadId}`;
    const started = new Date(startedAt).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
    setText(
      byId('process', HTMLElement),
      `Process ${pid}${thread}, up since ${started}, Node ${node}, version ${packageVersion}`,
    );
    byId('no-actions', HTMLElement).hidden = actions;
  }

  #show(): void {
    const { upstreams, sampledAt, changes, document: known, omitted } = this.#model;
    for (const [key, card] of this.#cards) {
      if (upstreams.has(key)) continue;
      this.#inView.unobserve(card.node);
      card.plots.draw(false);
      card.node.remove();
      this.#cards.delete(key);
    }
    for (const upstream of upstreams.values()) {
      const card = this.#cards.get(upstream.key) ?? this.#addCard(upstream, known?.actions === true);
      card.node.hidden = !FILTERS[this.#filter](upstream);
      card.update(upstream, sampledAt, changes);
    }
    this.#timeline.show(changes);
    this.#showFilters([...upstreams.values()]);
    byId('empty', HTMLElement).hidden = known === undefined || upstreams.size > 0;
    byId('loading', HTMLElement).hidden = known !== undefined;
    setText(byId('omitted', HTMLElement), omitted > 0 ? `${count(omitted)} more upstreams are not shown.` : '');
  }

  #showFilters(upstreams: readonly UpstreamModel[]): void {
    for (const [filter, button] of this.#filters) {
      setText(button.querySelector('output') ?? button, count(upstreams.filter(FILTERS[filter]).length));
      button.setAttribute('aria-pressed', String(filter === this.#filter));
    }
    const hidden = upstreams.length > 0 && !upstreams.some(FILTERS[this.#filter]);
    byId('none-match', HTMLElement).hidden = !hidden;
  }

  #addCard(upstream: UpstreamModel, actions: boolean): UpstreamCard {
    const card = new UpstreamCard(upstream, { actions, act: (action, name) => this.#actions.open(action, name) });
    this.#cards.set(upstream.key, card);
    this.#list.append(card.node);
    this.#inView.observe(card.node);
    return card;
  }

  #cardOf(node: Element): UpstreamCard | undefined {
    return [...this.#cards.values()].find((card) => card.node === node);
  }
}

new Page().start();
