import type { CircuitStatus } from '../document.ts';
import { ACTIONS, titleOf } from './actions.ts';
import { element, setData, setText } from './dom.ts';
import { count, percent, seconds, words } from './format.ts';
import { badge } from './timeline.ts';
import type { CardOptions } from './upstream-card.ts';

/** One circuit breaker, and what can be done with it. */
export class CircuitRow {
  readonly node: HTMLLIElement;
  readonly #state = badge('');
  readonly #detail = element('span', { class: 'detail' });

  constructor(name: string, { actions, act }: CardOptions) {
    const buttons = ACTIONS.map((action) => {
      const button = element('button', { type: 'button', 'aria-label': `${titleOf(action)} ${name}` }, titleOf(action));
      button.disabled = !actions;
      button.addEventListener('click', () => act(action, name));
      return button;
    });
    const group = element('span', { class: 'buttons', role: 'group', 'aria-label': `Steer ${name}` }, ...buttons);
    this.node = element('li', {}, element('span', { class: 'name' }, name), this.#state, this.#detail, group);
  }

  update({ state, failureRatio, failures, counted, retryAfterMs }: CircuitStatus): void {
    setData(this.#state, 'state', state);
    setText(this.#state, words(state));
    const failed = `${percent(failureRatio)} failed (${count(failures)} of ${count(counted)})`;
    setText(this.#detail, retryAfterMs > 0 ? `${failed}, probe in ${seconds(retryAfterMs)}` : failed);
  }
}
