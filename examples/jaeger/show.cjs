// Asks Jaeger's JSON API what its search page would: usage: show.cjs JAEGER SERVICE
const { setTimeout: wait } = require('node:timers/promises');

const [jaeger, service] = process.argv.slice(2);
const QUESTIONS = {
  'the call that opened the circuit': { 'resilience.circuit_breaker.state': 'open' },
  'calls that were refused': { 'resilience.outcome': 'rejected' },
  'the call that closed it again': { 'resilience.circuit_breaker.state': 'closed' },
};

async function search(tags) {
  const query = new URLSearchParams({ service, lookback: '1h', limit: '20', tags: JSON.stringify(tags) });
  const response = await fetch(`${jaeger}/api/traces?${query}`);
  return (await response.json()).data;
}

/** Spans are there a moment after they were sent. */
async function find(tags) {
  for (let i = 0; i < 50; i++) {
    const traces = await search(tags);
    if (traces.length > 0) return traces;
    await wait(200);
  }
  return [];
}

/** A Jaeger that was built from its Go module alone serves a placeholder in place of its pages. */
async function hasPages() {
  const response = await fetch(`${jaeger}/search`).catch(() => undefined);
  return response?.ok === true && /<script[^>]*\bsrc=/.test(await response.text());
}

const record = (list) => Object.fromEntries(list.map(({ key, value }) => [key, value]));

/** The spans of a trace as a tree, with their events. */
function print(spans, parent, indent) {
  const parentOf = (span) => spans.find(({ spanID }) => spanID === span.references[0]?.spanID);
  const children = spans.filter((span) => parentOf(span) === parent).sort((a, b) => a.startTime - b.startTime);
  for (const span of children) {
    const { 'span.kind': kind = 'internal', 'otel.status_description': description } = record(span.tags);
    console.log(`${indent}${kind} ${span.operationName}${description === undefined ? '' : `: ${description}`}`);
    for (const { fields } of span.logs) {
      const event = record(fields);
      const reason = event['resilience.circuit_breaker.transition.reason'] ?? event['resilience.rejection.reason'];
      console.log(`${indent}  • ${event.event}${reason === undefined ? '' : ` (${reason})`}`);
    }
    print(spans, span, `${indent}  `);
  }
}

async function main() {
  const pages = await hasPages();
  for (const [what, tags] of Object.entries(QUESTIONS)) {
    const typed = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
    const traces = await find(tags);
    console.log(`\n${what}: ${traces.length} found by tags ${typed.join(' ')}`);
    const [trace] = traces;
    if (trace === undefined) {
      process.exitCode = 1;
      continue;
    }
    print(trace.spans, undefined, '  ');
    console.log(`  ${jaeger}${pages ? '/trace/' : '/api/traces/'}${trace.traceID}`);
  }
  if (!pages) {
    console.log(
      '\nThe links lead to JSON: this Jaeger has no pages, as it was built from its Go module. With a released jaeger on the' +
        '\nPATH, or with compose.yaml, they lead to the pages.',
    );
  }
}

void main();
