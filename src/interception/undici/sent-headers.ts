import diagnostics from 'node:diagnostics_channel';
import type { WireAttempt } from './wire-attempt.ts';

const CHANNEL = 'undici:request:create';

/** The attempt being dispatched right now; requests are created in its stack. */
let current: WireAttempt | undefined;
let watching = false;

/** Keeps each attempt's request object from now on, so that headers added below us can be read off it. */
export function watchRequests(): () => void {
  if (watching) return () => {};
  watching = true;
  diagnostics.subscribe(CHANNEL, noteRequest);
  return () => {
    watching = false;
    diagnostics.unsubscribe(CHANNEL, noteRequest);
  };
}

export function isWatching(): boolean {
  return watching;
}

/** Runs a dispatch with its attempt known to the channel's subscriber. */
export function dispatchWatched(attempt: WireAttempt, dispatch: () => boolean): boolean {
  const outer = current;
  current = attempt;
  try {
    return dispatch();
  } finally {
    current = outer;
  }
}

function noteRequest(message: unknown): void {
  if (current === undefined || typeof message !== 'object' || message === null) return;
  current.request = Reflect.get(message, 'request');
}

/** A field of undici's request object: header lines in version 5, a flat array from 6 on. */
export function sentHeader(request: unknown, name: string): string | undefined {
  if (typeof request !== 'object' || request === null) return undefined;
  const headers: unknown = Reflect.get(request, 'headers');
  if (typeof headers === 'string') return fromLines(headers, name);
  if (!Array.isArray(headers)) return undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (String(headers[i]).toLowerCase() === name) return String(headers[i + 1]);
  }
  return undefined;
}

function fromLines(lines: string, name: string): string | undefined {
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}
