import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'mocha';
import { systemClock } from '../../../src/common/clock.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { patched } from '../../interception/undici/support/patched.ts';
import { RecordingListener } from '../../support/recording-listener.ts';
import { everyCall } from '../../support/rules.ts';
import { allClients, type Client, type Seen } from './clients.ts';
import { digest, type Plan, planCall } from './plan.ts';
import { policies } from './policies.ts';
import { StoringUpstream } from './storing-upstream.ts';

const CALLS = Number(process.env.NO_HARM_CALLS ?? 13_000);
const SEED = Number(process.env.NO_HARM_SEED ?? Date.now() % 1_000_000_007);
/** The number of the one call to make. */
const ONLY = process.env.NO_HARM_ONLY;
const AT_ONCE = 8;
/** By when the app itself gives up on calls that nothing else ends, and how long any call may then still take. */
const APP_PATIENCE_MS = 1_500;
const SETTLE_MS = 30_000;

describe('undici and fetch under random schedules', function () {
  this.timeout(120_000 + CALLS * 40);
  let upstream: StoringUpstream;
  let backup: StoringUpstream;
  let dead: string;
  let clients: Client[];
  let count: number;

  before(async () => {
    upstream = await StoringUpstream.start();
    backup = await StoringUpstream.start(upstream.plans);
    const closed = net.createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    dead = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    closed.close();
    patched.reset();
    const all = policies(backup.port);
    count = all.length;
    const engines = all.map(
      (policy) =>
        new Engine({ clock: systemClock, random: Math.random, listener: new Silent(), rules: everyCall(policy) }),
    );
    const owners = new WeakMap<object, Engine>();
    const router: Pick<Engine, 'route' | 'open'> = {
      route(protocol, host, port, method, path) {
        const known = upstream.plans.get(path.split('/')[1] ?? '');
        const engine = known === undefined ? undefined : engines[known.plan.policy];
        // For other tests; here it would be every call ever made.
        patched.calls.length = 0;
        const pipeline = engine?.route(protocol, host, port, method, path);
        if (pipeline !== undefined && engine !== undefined) owners.set(pipeline, engine);
        return pipeline;
      },
      open: (pipeline, exchange) => (owners.get(pipeline) as Engine).open(pipeline, exchange),
    };
    if (process.env.NO_HARM_BARE === undefined) patched.engine = router as Engine;
    clients = allClients();
  });

  after(async () => {
    patched.reset();
    await Promise.all(clients.map((client) => client.close()));
    await upstream.stop();
    await backup.stop();
  });

  it(`store what the app gave, and settle every call once, in ${CALLS} calls with NO_HARM_SEED=${SEED}`, async () => {
    let next = ONLY === undefined ? 0 : Number(ONLY);
    const last = ONLY === undefined ? CALLS : next + 1;
    const outcomes = new Map<string, number>();
    const work = async (): Promise<void> => {
      while (next < last) {
        const index = next++;
        const client = clients[index % clients.length] as Client;
        const outcome = await makeCall(client, planCall(SEED, index, count), index);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    assert.deepEqual(patched.reports, []);
    if (ONLY !== undefined || process.env.NO_HARM_BARE !== undefined) return;
    // The schedules are of use only if they lead everywhere.
    for (const outcome of ['accepted', 'refused', 'substitute', 'error'])
      assert.ok((outcomes.get(outcome) ?? 0) > 0, outcome);
    if (process.env.NO_HARM_VERBOSE !== undefined) console.error(Object.fromEntries(outcomes));
  });

  async function makeCall(client: Client, plan: Plan, index: number): Promise<string> {
    if (!client.kinds.includes(plan.kind)) plan = { ...plan, kind: 'string' };
    if (plan.kind !== 'generator' && plan.kind !== 'stream' && plan.kind !== 'web stream')
      plan = { ...plan, breaks: false };
    // undici's own `stream` throws where nobody can catch it when a stream breaks after an early answer: it hears of that
    // from the stream itself and from its connection, and takes the second for a new end (lib/api/api-stream.js, `onError`).
    if (plan.kind === 'stream' && / stream$/.test(client.name)) plan = { ...plan, breaks: false };
    const expected = Buffer.concat(plan.pieces);
    const known = { plan, attempts: 0, stored: [] as Array<{ length: number; hash: string }> };
    upstream.plans.set(plan.id, known);
    const story = (): string =>
      JSON.stringify({
        index,
        client: client.name,
        ...plan,
        pieces: plan.pieces.map((piece) => piece.length),
        made: known.attempts,
        stored: known.stored,
        expected: expected.length,
      });
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new Error('the app gives up')),
      plan.abortAfterMs ?? APP_PATIENCE_MS,
    );
    let hung: NodeJS.Timeout | undefined;
    const hangs = new Promise<never>((_resolve, reject) => {
      hung = setTimeout(
        () => reject(new assert.AssertionError({ message: `never settles: ${story()}` })),
        APP_PATIENCE_MS + SETTLE_MS,
      );
    });
    let seen: Seen | undefined;
    try {
      seen = await Promise.race([client.call(plan.dead ? dead : upstream.origin, plan, controller.signal), hangs]);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      if (process.env.NO_HARM_ONLY !== undefined) console.error(error);
    }
    clearTimeout(timer);
    clearTimeout(hung);
    for (const { length, hash } of known.stored) {
      assert.equal(length, expected.length, `stored whole, though it is not what the app gave: ${story()}`);
      assert.equal(hash, digest(expected), `stored with other bytes: ${story()}`);
    }
    // What comes in later is another attempt's; nothing may come after the app has got its answer but what is in flight.
    setTimeout(() => upstream.plans.delete(plan.id), 1000).unref();
    if (seen === undefined) return 'error';
    if (seen.source !== undefined && seen.source !== 'endpoint') return 'substitute';
    if (seen.status !== 200) return 'refused';
    assert.deepEqual(JSON.parse(seen.text), { length: expected.length, hash: digest(expected) }, story());
    return 'accepted';
  }
});

class Silent extends RecordingListener {
  override callStarted(): void {}
  override event(): void {}
  override callEnded(): void {}
}
