import { ATTR } from '../../src/telemetry/names.ts';
import type { AttributeRecord } from '../../test/support/otlp-receiver.ts';
import { type Change, CircuitChanges, isCircuitChange, isHealthChange } from './changes.ts';
import type { Screen, Style } from './screen.ts';
import type { Tally } from './visitors.ts';

const STATE_STYLES: Readonly<Record<string, Style>> = { open: 'red', half_open: 'yellow', closed: 'green' };

/** Tells what happens, whoever heard of it. */
export class Story {
  readonly circuits = new CircuitChanges();
  readonly screen: Screen;
  /** For whoever has to find the traces somewhere else. */
  showsTraceIds = false;
  #told: Tally = { answered: 0, failed: 0, rejected: 0 };

  constructor(screen: Screen) {
    this.screen = screen;
  }

  upstream(text: string): void {
    this.screen.happened('upstream', text);
  }

  change(change: Change): void {
    if (isHealthChange(change)) this.#health(change.attributes);
    if (!isCircuitChange(change)) return;
    this.#circuit(change);
    this.circuits.push(change);
  }

  /** What became of the app's calls since this was told last. */
  calls({ answered, failed, rejected }: Readonly<Tally>): void {
    const told = this.#told;
    const since = [answered - told.answered, failed - told.failed, rejected - told.rejected] as const;
    if (since.every((count) => count === 0)) return;
    this.#told = { answered, failed, rejected };
    const [ok, bad, refused] = since.map((count) => String(count).padStart(3));
    this.screen.happened('calls', `${ok} answered  ${bad} failed  ${refused} rejected`);
  }

  #circuit({ attributes, traceId }: Change): void {
    const state = String(attributes[ATTR.circuitState]);
    const ratio = attributes[ATTR.failureRatio];
    const why = [attributes[ATTR.transitionReason], typeof ratio === 'number' ? ratio.toFixed(2) : undefined];
    const text = `${attributes[ATTR.circuitPreviousState]} -> ${state}`;
    const detail = why.filter((part) => part !== undefined).join(' ');
    const where = this.showsTraceIds && traceId !== undefined ? `  trace ${traceId}` : '';
    this.screen.happened('circuit', `${this.screen.paint(text, STATE_STYLES[state] ?? 'bold')} (${detail})${where}`);
  }

  #health(attributes: AttributeRecord): void {
    const state = String(attributes[ATTR.upstreamState]);
    const ratio = Number(attributes[ATTR.upstreamErrorRatio]).toFixed(2);
    const text = this.screen.paint(state, state === 'healthy' ? 'green' : 'red');
    this.screen.happened('health', `upstream is ${text} (error ratio ${ratio})`);
  }
}
