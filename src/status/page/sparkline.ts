import type { Column, History } from '../document.ts';
import { element } from './dom.ts';

const WIDTH = 150;
const HEIGHT = 22;
const BAR = 3;
const GAP = 1;
const SPAN = 300;

/** From the bottom to the top of a bar. */
const STACK: readonly (readonly [column: Column, colour: string])[] = [
  ['success', 'spark-ok'],
  ['fallback', 'blue'],
  ['rejected', 'amber'],
  ['failure', 'red'],
];

/** Calls of the last five minutes in a row of small bars, by how they ended. */
export class Sparkline {
  readonly node = element('canvas', { class: 'spark', 'aria-hidden': 'true' });
  #history: History | undefined;
  #visible = false;

  update(history: History): void {
    this.#history = history;
    if (this.#visible) this.redraw();
  }

  draw(visible: boolean): void {
    this.#visible = visible;
    if (visible) this.redraw();
  }

  redraw(): void {
    const context = this.node.getContext('2d');
    if (context === null || this.#history === undefined || !this.#visible) return;
    const scale = devicePixelRatio;
    this.node.width = WIDTH * scale;
    this.node.height = HEIGHT * scale;
    context.scale(scale, scale);
    const style = getComputedStyle(this.node);
    const bars = barsOf(this.#history);
    const most = Math.max(...bars.map((bar) => bar.reduce((sum, part) => sum + part, 0)), 0.1);
    for (const [index, bar] of bars.entries()) {
      let bottom = HEIGHT;
      for (const [part, [, colour]] of STACK.entries()) {
        const value = bar[part] ?? 0;
        if (value === 0) continue;
        // A single failure among a thousand calls is still to be seen.
        const height = Math.max((HEIGHT * value) / most, 1);
        context.fillStyle = style.getPropertyValue(`--${colour}`);
        context.fillRect(index * BAR, bottom - height, BAR - GAP, height);
        bottom -= height;
      }
    }
  }
}

/** One list of parts for each bar, the last one of now. */
function barsOf(history: History): number[][] {
  const count = Math.floor(WIDTH / BAR);
  const each = SPAN / count;
  const length = history.success.length;
  return Array.from({ length: count }, (_, index) => {
    const to = length - (count - 1 - index) * each;
    return STACK.map(([column]) => {
      const points = history[column].slice(Math.max(0, to - each), Math.max(0, to));
      return points.reduce<number>((sum, point) => sum + (point ?? 0), 0) / each;
    });
  });
}
