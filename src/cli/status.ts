import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type Invocation } from './command.ts';
import { wrap } from './layout.ts';
import { fetchStatus, NoStatusError, readAddress, type StatusAddress } from './status-client.ts';
import { readStatus } from './status-reading.ts';
import { statusText } from './status-table.ts';
import type { Terminal } from './terminal.ts';

const WATCH_INTERVAL_MS = 1_000;
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CLEAR_ALL = '\u001b[2J';

interface Shown {
  readonly text: string;
  readonly ok: boolean;
}

/** Shows the upstreams of a running app, once or until Ctrl-C. */
export async function status({ terminal, operands, flags }: Invocation): Promise<number> {
  const address = readAddress(operands[0], terminal.env.OTEL_RESILIENCE_STATUS);
  const json = flags.has('json');
  if (flags.has('watch')) return watch(address, json, terminal);
  const { ok, text } = await look(address, { json, compact: false }, terminal);
  if (ok) terminal.out(text);
  else terminal.err(text);
  return ok ? EXIT.ok : EXIT.problems;
}

/** The app may come and go meanwhile. */
async function watch(address: StatusAddress, json: boolean, terminal: Terminal): Promise<number> {
  const signal = terminal.interrupted;
  const overwrites = terminal.interactive && !json;
  if (overwrites) terminal.write(CLEAR_ALL);
  while (!signal.aborted) {
    const shown = await look(address, { json, compact: true }, terminal);
    if (signal.aborted) break;
    if (overwrites)
      terminal.write(`${HOME}${shown.text.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_LINE}\n${CLEAR_BELOW}`);
    else if (!shown.ok) terminal.err(shown.text);
    else terminal.out(json ? shown.text : `${shown.text}\n`);
    await sleep(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
  return EXIT.ok;
}

async function look(
  address: StatusAddress,
  form: { readonly json: boolean; readonly compact: boolean },
  terminal: Terminal,
): Promise<Shown> {
  try {
    const document = await fetchStatus(
      address,
      terminal.env.OTEL_RESILIENCE_STATUS_TOKEN?.trim(),
      terminal.interrupted,
    );
    const reading = readStatus(document);
    if (reading === undefined) {
      throw new NoStatusError(`http://${address.text}/status has no list of upstreams: it is not our status page`);
    }
    if (form.json) return { ok: true, text: JSON.stringify(document, undefined, form.compact ? undefined : 2) };
    return { ok: true, text: statusText(reading, address.text, terminal) };
  } catch (error) {
    if (!(error instanceof NoStatusError)) throw error;
    return { ok: false, text: wrap(`otel-resilience status: ${error.message}`, terminal.width).join('\n') };
  }
}
