import type { Change, SampleDocument, StatusDocument } from '../document.ts';
import { episodesOf } from '../episodes.ts';
import { headlineOf } from '../headline.ts';
import { Actions } from './actions.ts';
import { readView } from './address.ts';
import { Banner } from './banner.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { byId, setData, setText } from './dom.ts';
import { count, seconds, time } from './format.ts';
import { Model } from './model.ts';
import { Timeline } from './timeline.ts';
import { UpstreamList } from './upstream-list.ts';

/** The page: hears the server, keeps the model, shows it. */
class Page {
  readonly #model = new Model();
  readonly #actions = new Actions();
  readonly #banner = new Banner();
  readonly #list = new UpstreamList(this.#model, readView(), (action, name) => this.#actions.open(action, name));
  readonly #timeline = new Timeline(byId('changes', HTMLElement), byId('no-changes', HTMLElement));
  #connection: ConnectionState = 'connecting';

  start(): void {
    const redraw = (): void => this.#list.redraw();
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
      this.#list.clear();
      this.#model.snapshot(data as StatusDocument);
      this.#showProcess(data as StatusDocument);
    } else if (event === 'sample') this.#model.sample(data as SampleDocument);
    else if (event === 'change') {
      this.#model.change(data as Change);
      const [episode] = episodesOf(this.#model.changes);
      if (episode !== undefined) setText(byId('announcement', HTMLElement), `${episode.name} ${episode.text}`);
    }
    this.#show();
  }

  #connected(state: ConnectionState, retryMs: number): void {
    const texts: Record<ConnectionState, string> = {
      connecting: 'Connecting',
      live: 'Live',
      lost: `Next try in ${seconds(retryMs)}`,
      token_needed: 'Token needed',
    };
    this.#connection = state;
    setData(document.body, 'connection', state);
    setText(byId('connection', HTMLElement), texts[state]);
    if (this.#model.document !== undefined || state === 'lost') this.#showBanner();
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
    const { upstreams, changes, document: known, omitted } = this.#model;
    this.#list.show(changes);
    this.#timeline.show(changes);
    this.#showBanner();
    byId('empty', HTMLElement).hidden = known === undefined || upstreams.size > 0;
    byId('tools', HTMLElement).hidden = upstreams.size === 0;
    byId('loading', HTMLElement).hidden = known !== undefined;
    setText(byId('omitted', HTMLElement), omitted > 0 ? `${count(omitted)} more upstreams are not shown.` : '');
  }

  #showBanner(): void {
    const { at, upstreams } = this.#model;
    if (this.#connection === 'lost') {
      const since = at === 0 ? '' : ` since ${time(at)}`;
      const detail = at === 0 ? 'The app does not answer.' : 'The app does not answer. Below is what was known then.';
      return this.#banner.show({ tone: 'lost', title: `Connection lost${since}`, detail, short: 'Connection lost' });
    }
    const known = Array.from(upstreams.values(), ({ now }) => now);
    this.#banner.show(headlineOf(known, at, time));
  }
}

new Page().start();
