import { type Context, context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { guarded } from './guard.ts';
import { ATTR } from './names.ts';

/**
 * Makes a resent attempt so that its CLIENT span carries `http.request.resend_count`, whichever instrumentation makes
 * the span and whoever owns the SDK.
 *
 * Instrumentations put their new span into a context derived from the active one (`trace.setSpan(context.active(),
 * span)`) before they inject trace headers. So the attempt runs in a context that looks on at that. The alternatives
 * reach less far: a span processor needs the SDK to be ours, the `http.client.request.created` channel is missing from
 * Node 20, and instrumentation-undici never makes its span active.
 */
export function resendIn(target: Context, resend: number, send: () => void): void {
  const watched = new ResendContext(target, resend);
  try {
    context.with(watched, send);
  } finally {
    // The caller's callbacks may run in this context for as long as the app likes; their own calls are no resends.
    watched.disarm();
  }
}

class ResendContext implements Context {
  readonly #base: Context;
  #resend: number | undefined;

  constructor(base: Context, resend: number) {
    this.#base = base;
    this.#resend = resend;
  }

  disarm(): void {
    this.#resend = undefined;
  }

  getValue(key: symbol): unknown {
    return this.#base.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    const next = this.#base.setValue(key, value);
    if (this.#resend !== undefined) guarded('resend count', () => this.#mark(trace.getSpan(next), value));
    return next;
  }

  deleteValue(key: symbol): Context {
    return this.#base.deleteValue(key);
  }

  #mark(span: Span | undefined, value: unknown): void {
    if (span === undefined || span !== value || !isClientSpan(span)) return;
    span.setAttribute(ATTR.resendCount, this.#resend ?? 0);
    this.#resend = undefined;
  }
}

/** SDK spans tell their kind, though the API's type does not. One that does not tell is taken for what is expected here. */
function isClientSpan(span: Span): boolean {
  if (!span.isRecording()) return false;
  const { kind } = span as { kind?: unknown };
  return kind === undefined || kind === SpanKind.CLIENT;
}
