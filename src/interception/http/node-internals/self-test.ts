import http, { type ClientRequest } from 'node:http';
import { internals, type PendingWrite, type RequestInternals } from './internals.ts';

type Expected = Partial<Record<keyof RequestInternals, 'function' | 'boolean' | 'number' | 'object'>>;

/** What reset-for-resend.ts, exchange-transfer.ts and request-body.ts rely on. */
const EXPECTED: Expected = {
  destroyed: 'boolean',
  finished: 'boolean',
  _closed: 'boolean',
  _ended: 'boolean',
  _headerSent: 'boolean',
  outputData: 'object',
  outputSize: 'number',
  res: 'object',
  parser: 'object',
  timeoutCb: 'object',
  reusedSocket: 'boolean',
  shouldKeepAlive: 'boolean',
  upgradeOrConnect: 'boolean',
  _implicitHeader: 'function',
  _writeRaw: 'function',
  onSocket: 'function',
};

/** Which of the internals that a request must have to be sent again are not as they should be. */
export function missingInternals(request: object): string[] {
  const state = request as Record<string, unknown>;
  // A parser or a time limit may be set by now.
  const off = Object.entries(EXPECTED).filter(
    ([name, type]) => typeof state[name] !== type && !(type === 'object' && state[name]),
  );
  return [...off.map(([name]) => name), ...(writesAsExpected() ? [] : ['outputData'])];
}

/** A dry run: a message without a socket must keep what it writes where we will put it again. */
function writesAsExpected(): boolean {
  try {
    const message = new (http.OutgoingMessage as new () => http.OutgoingMessage)();
    const state = internals(message as unknown as ClientRequest);
    state._implicitHeader = () => {
      state._header = 'HEAD\r\n\r\n';
    };
    message.end('body', 'latin1');
    const [first] = state.outputData as Array<PendingWrite | undefined>;
    return first?.data === 'HEAD\r\n\r\nbody' && state.outputSize === 12 && state._headerSent && state.finished;
  } catch {
    return false;
  }
}

let passed: boolean | undefined;

/**
 * Whether requests can be sent again on this version of Node. Looked at once, on the first request that might have to be;
 * if not, `report` is told, and calls get one attempt each: the rest goes on to work.
 */
export function canRepeat(request: ClientRequest, report: (error: unknown) => void): boolean {
  if (passed !== undefined) return passed;
  const missing = missingInternals(request);
  passed = missing.length === 0;
  if (!passed)
    report(
      new Error(`Node ${process.version} keeps requests in another way (${missing.join(', ')}): none is repeated`),
    );
  return passed;
}
