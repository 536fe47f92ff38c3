import http from 'node:http';
import { stripBrackets } from '../common/authority.ts';
import { UsageError } from './command.ts';

const DEFAULT_ADDRESS = '127.0.0.1:9990';
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 32 * 1024 * 1024;

/** No status page answers there; the message says what does. */
export class NoStatusError extends Error {
  override readonly name = 'NoStatusError';
}

export interface StatusAddress {
  /** With the port, as one would type it. */
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:9990`, `[::1]:9990`, `:9990`, `9990`, or any of these as an http URL. */
export function readAddress(given: string | undefined, variable: string | undefined): StatusAddress {
  const said = given ?? (variable?.trim() || DEFAULT_ADDRESS);
  const named = given === undefined ? 'OTEL_RESILIENCE_STATUS' : '[address]';
  const bare = said.replace(/^http:\/\//i, '').replace(/\/(?:status)?$/, '');
  const parts = /^(?:(\[[\da-f:.]+\]|[^:/@[\]\s]*):)?(\d{1,5})$/i.exec(bare);
  const port = Number(parts?.[2]);
  if (parts === null || port < 1 || port > 65_535) {
    throw new UsageError(`${named} is ${JSON.stringify(said)}: expected host:port such as ${DEFAULT_ADDRESS}`);
  }
  const host = reachable(parts[1] || '127.0.0.1');
  return { text: `${host}:${port}`, host: stripBrackets(host), port };
}

/** What a server calls all of its addresses is no place to go to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '[::]' ? '[::1]' : host;
}

/** What the status page of a running app says of it, whatever that is. */
export async function fetchStatus(
  { host, port, text }: StatusAddress,
  token: string | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const url = `http://${text}/status`;
  let answer: Answer;
  try {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const headers = { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    answer = await get({ host, port, path: '/status', headers, signal: AbortSignal.any([signal, timeout]) });
  } catch (error) {
    throw new NoStatusError(
      `nothing answers at ${url} (${reasonOf(error)}): is the app running with OTEL_RESILIENCE_STATUS=${text}?`,
    );
  }
  if (answer.status === 401) {
    throw new NoStatusError(`${url} wants a token: expected the app's one in OTEL_RESILIENCE_STATUS_TOKEN`);
  }
  if (answer.status !== 200)
    throw new NoStatusError(`${url} answered ${answer.status}: expected the JSON of a status page`);
  try {
    return JSON.parse(answer.body) as unknown;
  } catch {
    throw new NoStatusError(`${url} answered something else than the JSON of a status page`);
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

async function get(options: http.RequestOptions): Promise<Answer> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ ...options, agent: false }, resolve).on('error', reject);
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode, body: Buffer.concat(chunks).toString() };
}

function reasonOf(error: unknown): string {
  const { code, name, message, cause } = error as Error & { code?: string };
  if ((cause as Error | undefined)?.name === 'TimeoutError' || name === 'TimeoutError')
    return `no answer in ${TIMEOUT_MS / 1000} s`;
  return code ?? message;
}
