import type { Change } from '../document.ts';
import { duration, percent, rate } from './format.ts';
import type { UpstreamModel } from './model.ts';
import { type Band, Plot } from './plot.ts';

const SHADES: Readonly<Record<string, string>> = {
  open: 'shade-open',
  forced_open: 'shade-open',
  half_open: 'shade-half-open',
};

/** The three plots of an upstream. Time in which its circuit was not closed is shaded. */
export class UpstreamPlots {
  readonly #ratio = new Plot({
    title: 'Error ratio',
    series: [{ label: 'of the last calls', colour: 'red' }],
    format: percent,
    top: 1,
  });
  readonly #rate = new Plot({
    title: 'Calls per second',
    series: [
      { label: 'ok', colour: 'green' },
      { label: 'failed', colour: 'red' },
      { label: 'rejected', colour: 'amber', dash: 'dashes' },
      { label: 'fallback', colour: 'blue', dash: 'dots' },
    ],
    format: rate,
    top: 1,
  });
  readonly #latency = new Plot({
    title: 'Latency',
    series: [
      { label: 'p50', colour: 'blue' },
      { label: 'p95', colour: 'violet', dash: 'dashes' },
    ],
    format: duration,
    top: 5,
  });
  readonly #all = [this.#ratio, this.#rate, this.#latency];
  readonly nodes = this.#all.map(({ node }) => node);

  update({ now, history }: UpstreamModel, sampledAt: readonly number[], changes: readonly Change[]): void {
    const times = sampledAt.map((at) => at / 1000);
    const circuit = now.circuits[0];
    const ofCircuit = changes.filter(({ policy, name }) => policy === now.policy && name === circuit?.name);
    const bands = circuit === undefined ? [] : bandsOf(ofCircuit, circuit.state, times.at(-1) ?? 0);
    this.#ratio.update(times, [history.errorRatio], bands);
    this.#rate.update(times, [history.success, history.failure, history.rejected, history.fallback], bands);
    this.#latency.update(times, [history.p50Ms, history.p95Ms], bands);
  }

  draw(visible: boolean): void {
    for (const plot of this.#all) plot.draw(visible);
  }

  redraw(): void {
    for (const plot of this.#all) plot.redraw();
  }
}

/** `changes` newest first: each state lasts from its change to the one after. */
function bandsOf(changes: readonly Change[], current: string, now: number): Band[] {
  const bands: Band[] = [];
  let [state, to] = [current, now];
  for (const { at, previousState } of changes.filter(({ type }) => type === 'circuit')) {
    const colour = SHADES[state];
    if (colour !== undefined) bands.push({ from: at / 1000, to, colour });
    [state, to] = [previousState, at / 1000];
  }
  const colour = SHADES[state];
  if (colour !== undefined) bands.push({ from: 0, to, colour });
  return bands;
}
