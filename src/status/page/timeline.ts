import type { Change } from '../document.ts';
import { element } from './dom.ts';
import { percent, time, words } from './format.ts';

/** The list of changes, newest first. Entries are added at the top, so that what is read stays what it is. */
export class Timeline {
  readonly #list: HTMLElement;
  readonly #empty: HTMLElement;
  #newest: Change | undefined;

  constructor(list: HTMLElement, empty: HTMLElement) {
    this.#list = list;
    this.#empty = empty;
  }

  /** `changes`: newest first. */
  show(changes: readonly Change[]): void {
    const known = this.#newest === undefined ? -1 : changes.indexOf(this.#newest);
    if (known === -1) this.#list.replaceChildren(...changes.map(entryOf));
    else this.#list.prepend(...changes.slice(0, known).map(entryOf));
    while (this.#list.children.length > changes.length) this.#list.lastElementChild?.remove();
    this.#newest = changes[0];
    this.#empty.hidden = changes.length > 0;
  }
}

/** For who listens instead of looking. */
export function sentenceOf({ type, name, state, reason }: Change): string {
  return type === 'circuit' ? `Circuit ${name} is ${words(state)}: ${words(reason)}` : `Upstream ${name} is ${state}`;
}

function entryOf(change: Change): HTMLLIElement {
  const { at, type, name, state, previousState, reason, ratio, mode, traceId, requestId } = change;
  const why = [
    words(reason),
    ...(ratio === null ? [] : [percent(ratio)]),
    ...(mode === 'observe' ? ['observed only'] : []),
  ];
  const entry = element(
    'li',
    { 'data-type': type },
    element('time', { datetime: new Date(at).toISOString() }, time(at)),
    element('span', { class: 'name' }, name),
    element(
      'span',
      { class: 'states' },
      badge(previousState),
      element('span', { 'aria-label': 'to' }, '→'),
      badge(state),
      element('span', { class: 'why' }, why.join(', ')),
    ),
    element('span', { class: 'trace' }, element('span', {}, 'trace '), traced(traceId)),
  );
  if (requestId !== null) {
    entry.append(element('span', { class: 'trace' }, element('span', {}, 'request '), element('code', {}, requestId)));
  }
  return entry;
}

function traced(traceId: string | null): Node | string {
  return traceId === null ? 'none' : element('code', { title: 'Trace id of the call that caused it' }, traceId);
}

export function badge(state: string): HTMLSpanElement {
  return element('span', { class: 'badge', 'data-state': state }, words(state));
}
