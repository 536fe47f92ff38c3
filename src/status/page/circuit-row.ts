import type { CircuitStatus } from '../document.ts';
import { countText, refusedText, words } from '../situation.ts';
import { ACTIONS, titleOf } from './actions.ts';
import { element, setData, setText } from './dom.ts';
import { percent, seconds } from './format.ts';
import { badge } from './timeline.ts';
import type { RowOptions } from './upstream-row.ts';

const TONES: Readonly<Record<string, string>> = {
  closed: 'ok',
  open: 'bad',
  forced_open: 'bad',
  half_open: 'warn',
  forced_closed: 'note',
};

/** One circuit breaker, and what can be done with it. */
export class CircuitRow {
  readonly node: HTMLLIElement;
  readonly #state = badge('', 'ok');
  readonly #detail = element('span', { class: 'detail' });
  readonly #probe: HTMLButtonElement | undefined;
  readonly #actions: boolean;

  constructor(name: string, { actions, act }: RowOptions) {
    this.#actions = actions;
    const buttons = ACTIONS.map((action) => {
      const button = element('button', { type: 'button', 'aria-label': `${titleOf(action)} ${name}` }, titleOf(action));
      button.disabled = !actions;
      button.addEventListener('click', () => act(action, name));
      return button;
    });
    this.#probe = buttons[ACTIONS.indexOf('probe-now')];
    const group = element('span', { class: 'buttons', role: 'group', 'aria-label': `Steer ${name}` }, ...buttons);
    this.node = element('li', {}, element('span', { class: 'name' }, name), this.#state, this.#detail, group);
  }

  update({ state, failureRatio, failures, counted, retryAfterMs, outageMs, rejectedInOutage }: CircuitStatus): void {
    setData(this.#state, 'tone', TONES[state] ?? 'ok');
    setText(this.#state, words(state));
    const failed = `${countText(failures)} of ${countText(counted)} attempts failed`;
    const parts = [
      ...(counted === 0 ? [] : [failureRatio === null ? failed : `${failed} (${percent(failureRatio)})`]),
      ...(outageMs > 0 ? [refusedText(rejectedInOutage, 'enforce')] : []),
      ...(retryAfterMs > 0 ? [`next probe in ${seconds(retryAfterMs)}`] : []),
    ];
    setText(this.#detail, parts.join(', '));
    if (this.#probe !== undefined)
      this.#probe.disabled = !this.#actions || !(state === 'open' || state === 'forced_open');
  }
}
