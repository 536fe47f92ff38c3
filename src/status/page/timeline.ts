import type { Change } from '../document.ts';
import { type Episode, episodesOf } from '../episodes.ts';
import { element, setData, setText } from './dom.ts';
import { time } from './format.ts';

interface Entry {
  readonly node: HTMLLIElement;
  readonly update: (episode: Episode) => void;
}

/** What happened, newest first. An entry keeps its element, so that what is read stays what it is. */
export class Timeline {
  readonly #list: HTMLElement;
  readonly #empty: HTMLElement;
  #entries = new Map<number, Entry>();
  #newest: Change | undefined;

  constructor(list: HTMLElement, empty: HTMLElement) {
    this.#list = list;
    this.#empty = empty;
  }

  /** `changes`: newest first. */
  show(changes: readonly Change[]): void {
    this.#empty.hidden = changes.length > 0;
    if (changes[0] === this.#newest) return;
    this.#newest = changes[0];
    const entries = new Map<number, Entry>();
    for (const episode of episodesOf(changes)) {
      const entry = this.#entries.get(episode.id) ?? entryOf();
      entry.update(episode);
      entries.set(episode.id, entry);
    }
    this.#entries = entries;
    this.#list.replaceChildren(...Array.from(entries.values(), ({ node }) => node));
  }
}

function entryOf(): Entry {
  const [at, name, text] = [element('time'), element('span', { class: 'name' }), element('span', { class: 'text' })];
  const ids = element('span', { class: 'ids' });
  const node = element('li', {}, at, name, text, ids);
  const update = ({ name: named, tone, text: said, last }: Episode): void => {
    at.dateTime = new Date(last.at).toISOString();
    setText(at, time(last.at));
    setText(name, named);
    setText(text, said);
    setData(node, 'tone', tone);
    setData(node, 'type', last.type);
    ids.replaceChildren(...idOf('trace', last.traceId), ...idOf('request', last.requestId));
  };
  return { node, update };
}

/** Nothing where there is none. */
function idOf(kind: string, id: string | null): HTMLElement[] {
  return id === null
    ? []
    : [element('span', {}, `${kind} `, element('code', { title: `The ${kind} of the call that caused it` }, id))];
}

export function badge(text: string, tone: string): HTMLSpanElement {
  return element('span', { class: 'badge', 'data-tone': tone }, text);
}
