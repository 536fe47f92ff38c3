import type { CallReport } from './driver.ts';
import { hashOf, type Stored } from './origin.ts';
import { bodyOf, type CallPlan, LIMITED } from './plan.ts';
import { TOTAL_MS } from './policies.ts';

/** By the clock of the loop: what the machine takes to bring a timer, and for its kernel to offer a connection anew. */
const SLACK_MS = 1_500;
const UNLIMITED_MS = 25_000;

function count(events: readonly string[], prefix: string): number {
  return events.filter((event) => event.startsWith(prefix)).length;
}

/** What is wrong with how a call went: nothing, if we did no harm. */
export function violations(plan: CallPlan, report: CallReport, stored: readonly Stored[]): string[] {
  const { events, status, headers } = report;
  const wrong = [...report.faults];
  const body = bodyOf(plan);
  const hash = hashOf(body);
  const intact = (one: { readonly length: unknown; readonly hash: unknown }): boolean =>
    Number(one.length) === body.length && one.hash === hash;
  // Whatever it answered: an upstream never takes part of a body for the whole.
  for (const one of stored) if (!intact(one)) wrong.push(`an upstream stored ${one.length} of ${body.length} bytes`);
  const substitute = headers['resilience-source'] !== undefined && headers['resilience-source'] !== 'endpoint';
  if (status !== undefined && status >= 200 && status < 300 && !substitute && headers['x-half'] === undefined) {
    if (!report.wroteAll) wrong.push(`${status} before the app had written everything`);
    if (!intact({ length: headers['x-length'], hash: headers['x-hash'] })) wrong.push(`${status} for other bytes`);
    if (!stored.some(intact)) wrong.push(`${status}, but nothing was stored`);
  }
  const responses = count(events, 'response');
  const errors = count(events, 'error');
  if (responses + errors === 0) wrong.push('never settled');
  if (responses > 1) wrong.push('more than one response');
  // An app that gives up, or an upload that dies, may follow a response.
  if (errors > 1) wrong.push('more than one error');
  if (
    errors > 0 &&
    responses > 0 &&
    events.findIndex((e) => e.startsWith('error')) < events.findIndex((e) => e.startsWith('response'))
  ) {
    wrong.push('a response after an error');
  }
  if (count(events, 'close') !== 1) wrong.push(`${count(events, 'close')} times close`);
  if (count(events, 'finish') > 1) wrong.push('more than one finish');
  if (count(events, 'end') > 1) wrong.push('more than one end');
  // The death of a body is told on a later turn than that of its request.
  if (!/^(?:close|end|body error.*)$/.test(events.at(-1) ?? '')) wrong.push(`ends in ${events.at(-1)}`);
  const limitMs = LIMITED.has(plan.policy) ? TOTAL_MS + SLACK_MS : UNLIMITED_MS;
  if (report.settledMs > limitMs) wrong.push(`settled after ${Math.round(report.settledMs)} ms`);
  return wrong;
}
