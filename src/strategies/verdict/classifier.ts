import { ResilienceError, TimeoutError } from '../../errors.ts';
import type { Verdict } from '../shared/contract.ts';
import { codeOf, culpritOf, type ErrorLike, isErrorLike, provesNeverSent } from './network-errors.ts';
import type { StatusRange, VerdictOptions } from './options.ts';

const MAX_DEPTH = 10;
const STATUSES = 1_000; // three digits
const VERDICTS: readonly Verdict[] = ['success', 'failure', 'ignored'];

/** Says of an outcome whether it speaks for the upstream, against it, or not at all. */
export class Classifier {
  /** Index into VERDICTS by status. */
  readonly #statuses = new Uint8Array(STATUSES);
  readonly #failureCodes: ReadonlySet<string>;
  readonly #ignoredCodes: ReadonlySet<string>;

  constructor(options: VerdictOptions) {
    this.#mark(options.statuses, 'failure');
    this.#mark(options.except, 'success');
    this.#mark(options.ignore.statuses, 'ignored');
    this.#failureCodes = new Set(options.codes);
    this.#ignoredCodes = new Set(options.ignore.codes);
  }

  status(status: number): Verdict {
    return VERDICTS[this.#statuses[status] ?? 0] ?? 'success';
  }

  /**
   * Never `success`. An error nobody can place is ignored rather than held against the upstream: besides networks,
   * errors come from misuse of the client, local limits and the app's own hooks, and counting those would take a
   * healthy upstream away from the app. A failure overlooked only delays what the next known one says, and `codes`
   * makes it known.
   */
  error(error: unknown): Verdict {
    return this.#judge(error, 0, new Set()) ?? 'ignored';
  }

  /** Whether the error proves that nothing of the request has left this process: it may be sent again, whatever it is. */
  neverSent(error: unknown): boolean {
    return neverSent(error, 0);
  }

  #mark(ranges: readonly StatusRange[], verdict: Verdict): void {
    for (const { from, to } of ranges) this.#statuses.fill(VERDICTS.indexOf(verdict), from, to + 1);
  }

  /** The verdict of the outermost error in the chain of causes that has one. */
  #judge(error: unknown, depth: number, seen: Set<unknown>): Verdict | undefined {
    if (!isErrorLike(error) || depth > MAX_DEPTH || seen.has(error)) return undefined;
    seen.add(error);
    const own = this.#judgeAlone(error);
    if (own !== undefined) return own;
    // Happy eyeballs: one error for each address that was tried.
    const verdicts = membersOf(error).map((member) => this.#judge(member, depth + 1, seen));
    if (verdicts.includes('failure')) return 'failure';
    if (verdicts.includes('ignored')) return 'ignored';
    return this.#judge(error.cause, depth + 1, seen);
  }

  #judgeAlone(error: ErrorLike): Verdict | undefined {
    // An upstream that was too slow failed; a total time that ran out may have gone into waiting for ourselves.
    if (error instanceof TimeoutError) return error.scope === 'total' ? 'ignored' : 'failure';
    if (error instanceof ResilienceError) return 'ignored';
    const code = codeOf(error);
    if (code !== undefined && this.#ignoredCodes.has(code)) return 'ignored';
    if (code !== undefined && this.#failureCodes.has(code)) return 'failure';
    const culprit = culpritOf(error);
    if (culprit === 'unknown') return undefined;
    return culprit === 'upstream' ? 'failure' : 'ignored';
  }
}

/**
 * The outermost error with a code decides, or each of an AggregateError's. No deeper: that a cause was a refused
 * connection does not prove it where the error around it says that something else happened since.
 */
function neverSent(error: unknown, depth: number): boolean {
  if (!isErrorLike(error) || depth > MAX_DEPTH) return false;
  const members = membersOf(error);
  if (members.length > 0) return members.every((member) => neverSent(member, depth + 1));
  return codeOf(error) === undefined ? neverSent(error.cause, depth + 1) : provesNeverSent(error);
}

function membersOf(error: ErrorLike): readonly unknown[] {
  return Array.isArray(error.errors) ? error.errors : [];
}
