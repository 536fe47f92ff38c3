import { COMMAND, Ended, Processes, startApp, Upstream } from './processes.ts';
import { Screen } from './screen.ts';
import { openSink, type Sink } from './sink.ts';
import { Story } from './story.ts';
import { Visitors } from './visitors.ts';

/** `npm run demo` ends by itself long before; this is for a machine on which it cannot. */
const DEADLINE_MS = 28_000;

/** A circuit breaker that opens and tries again within seconds; the defaults are for production. */
const POLICY = {
  OTEL_RESILIENCE_CIRCUIT_BREAKER_WINDOW_SIZE: '10',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION: '1s',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_HALF_OPEN_SUCCESSES: '2',
  OTEL_RESILIENCE_HEALTH_WINDOW: '10',
  OTEL_RESILIENCE_HEALTH_MINIMUM_CALLS: '5',
};

async function demo(processes: Processes, screen: Screen): Promise<void> {
  const story = new Story(screen);
  const sink = await openSink(process.env, story);
  const upstream = await Upstream.start(processes);
  const app = await startApp(processes, { ...POLICY, ...sink.env, INVENTORY_URL: upstream.url }, (line) =>
    sink.takeLine(line),
  );
  introduce(screen, sink, `pid ${app.child.pid}`, `pid ${upstream.pid}`, upstream.url);
  const visitors = new Visitors(app.url);
  const stopCounting = sink.count(visitors.tally);
  screen.begin();
  visitors.start();
  await play(story, upstream, visitors);
  await visitors.stop();
  const requests = await upstream.become();
  await processes.end(app.child); // flushes what it has not exported yet
  stopCounting();
  conclude(screen, sink, visitors, requests);
  await sink.close();
}

/** Fails, recovers, fails again. Each step waits for what the last one brought about, never for a time. */
async function play(story: Story, upstream: Upstream, visitors: Visitors): Promise<void> {
  await visitors.served(10);
  story.upstream('fails: every answer is 503 from now on');
  await upstream.become('fail');
  await story.circuits.next('open');
  await story.circuits.next('half_open');
  await story.circuits.next('open');
  story.upstream('answers again; the circuit will find out at its next probe');
  await upstream.become('answer');
  await story.circuits.next('closed');
  await visitors.served(10);
  story.upstream('fails again: it hangs up on every request');
  await upstream.become('hang up');
  await story.circuits.next('open');
  story.upstream('answers again');
  await upstream.become('answer');
  await story.circuits.next('closed');
  await visitors.served(5);
}

function introduce(screen: Screen, sink: Sink, app: string, upstream: string, url: string): void {
  screen.lines(
    '',
    `  ${screen.paint('app', 'bold')}        ${COMMAND}`,
    `             a web shop that asks its upstream over node:http and fetch, unmodified (${app})`,
    `  ${screen.paint('upstream', 'bold')}   ${url} fails, recovers and fails again on a script (${upstream})`,
    `  ${screen.paint('telemetry', 'bold')}  ${sink.place}`,
    `  ${screen.paint('policy', 'bold')}     the default one, a circuit breaker per upstream, made quick for the demo:`,
    ...Object.entries(POLICY).map(([name, value]) => `             ${screen.paint(`${name}=${value}`, 'dim')}`),
    '',
  );
}

function conclude(screen: Screen, sink: Sink, visitors: Visitors, requests: number): void {
  const { answered, failed, rejected } = visitors.tally;
  screen.block('What the visitors and the upstream saw', [
    `${answered + failed + rejected} calls of the app: ${answered} answered, ${failed} failed, ${rejected} rejected`,
    requests === answered + failed
      ? `${requests} requests reached the upstream: those answered or failed, and none of those rejected`
      : `${requests} requests reached the upstream`,
  ]);
  screen.block(...sink.summary());
}

async function main(): Promise<void> {
  const screen = new Screen();
  const processes = new Processes();
  const cut = new Promise<never>((_, reject) => {
    processes.once('failed', reject);
    process.on('SIGINT', () => reject(new Ended('interrupted', 130)));
    process.on('SIGTERM', () => reject(new Ended('terminated', 143)));
    setTimeout(() => reject(new Ended(`not done within ${DEADLINE_MS / 1000} s`, 1)), DEADLINE_MS).unref();
  });
  try {
    await Promise.race([demo(processes, screen), cut]);
  } catch (error) {
    const { message, code } = error instanceof Ended ? error : { message: String(error), code: 1 };
    process.exitCode = code;
    process.stderr.write(`\ndemo: ${message}\n`);
  }
  await processes.stop();
  process.exit();
}

void main();
