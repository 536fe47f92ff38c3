import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { after, afterEach, beforeEach, describe, it } from 'mocha';
import { instrumentUndici } from '../../../src/interception/undici/patch-undici.ts';
import { watchRequests } from '../../../src/interception/undici/sent-headers.ts';
import { PatchedUndici, patched } from './support/patched.ts';
import { Degrade, Queue, Retry, turns } from './support/strategies.ts';
import { loadUndici, type UndiciDispatcher, VERSIONS } from './support/undici-module.ts';
import { type Act, Upstream } from './support/upstream.ts';

const BIG = 'b'.repeat(300_000);

type Log = string[];
type Throwing = 'connect' | 'head' | 'data' | 'end' | undefined;

interface Controller {
  aborted: boolean;
  pause(): void;
  resume(): void;
  abort(reason?: Error): void;
}

/** A handler of the style the version takes, which notes what it is told, and may throw or pause. */
class Notes {
  readonly log: Log = [];
  readonly done: Promise<Log>;
  abort: ((reason?: Error) => void) | undefined;
  resume: (() => void) | undefined;
  #finish: (log: Log) => void = () => {};
  readonly #throwing: Throwing;
  readonly #pausing: boolean;

  constructor(throwing?: Throwing, pausing = false) {
    this.#throwing = throwing;
    this.#pausing = pausing;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  #note(what: string, at?: Throwing): void {
    // Chunks may be cut differently from one run to the next.
    if (!(what === 'data' && this.log.at(-1) === 'data')) this.log.push(what);
    if (at !== undefined && at === this.#throwing) throw new Error(`thrown at ${at}`);
  }

  #end(what: string, at?: Throwing): void {
    try {
      this.#note(what, at);
    } finally {
      if (at === undefined || at !== this.#throwing) this.#finish(this.log);
    }
  }

  legacy(): object {
    return {
      onConnect: (abort: (reason?: Error) => void) => {
        this.abort = abort;
        this.#note('connect', 'connect');
      },
      onHeaders: (status: number, _raw: Buffer[], resume: () => void, text: string) => {
        this.resume = resume;
        this.#note(`${status} ${text}`, 'head');
        return !this.#pausing;
      },
      onData: () => {
        this.#note('data', 'data');
        return true;
      },
      onComplete: () => this.#end('end', 'end'),
      onError: (error: Error) => this.#end(`error ${error.message}`),
    };
  }

  controlled(): object {
    return {
      onRequestStart: (controller: Controller) => {
        this.abort = (reason) => controller.abort(reason);
        this.resume = () => controller.resume();
        this.#note('connect', 'connect');
      },
      onResponseStart: (controller: Controller, status: number, _headers: object, text: string) => {
        this.#note(`${status} ${text}`, 'head');
        if (this.#pausing) controller.pause();
      },
      onResponseData: () => this.#note('data', 'data'),
      onResponseEnd: () => this.#end('end', 'end'),
      onResponseError: (_controller: Controller | null, error: Error) => this.#end(`error ${error.message}`),
    };
  }
}

const STYLES = VERSIONS.flatMap((version) => {
  const styles =
    { '5': ['legacy'], '6': ['legacy'], '7': ['legacy', 'controlled'], '8': ['controlled'] }[version] ?? [];
  return styles.map((style) => ({ version, style: style as 'legacy' | 'controlled' }));
});

for (const { version, style } of STYLES) {
  describe(`${style} handlers of undici ${version}`, () => {
    const undici = loadUndici(version);
    let upstream: Upstream | undefined;
    let agent: UndiciDispatcher;
    beforeEach(() => {
      patched.reset();
      agent = new undici.Agent();
    });
    afterEach(async () => {
      await agent.destroy();
      await upstream?.stop();
      upstream = undefined;
    });

    const serve = async (...script: Act[]): Promise<string> => {
      upstream = await Upstream.start(...script);
      return upstream.origin;
    };
    const dispatch = (origin: string, notes: Notes, extra: object = {}): boolean =>
      agent.dispatch({ origin, path: '/', method: 'GET', ...extra }, notes[style]());

    for (const throwing of ['connect', 'head', 'data', 'end'] as const) {
      for (const repeats of [false, true]) {
        it(`a handler that throws at its ${throwing} is told what undici tells it${repeats ? ', armed' : ''}`, async () => {
          const origin = await serve(200);
          const bare = new Notes(throwing);
          dispatch(origin, bare);
          const expected = await bare.done;
          patched.use({ recoveries: repeats ? [new Retry(2)] : [] });
          const notes = new Notes(throwing);
          dispatch(origin, notes);
          assert.deepEqual(await notes.done, expected);
          assert.equal(patched.listener.ended.length, 1);
          assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.failures, 0);
          assert.deepEqual(patched.reports, []);
        });
      }
    }

    it('a handler that lacks a method is undici’s to refuse, in its own words', async () => {
      const origin = await serve(200);
      for (const method of Object.keys(new Notes()[style]())) {
        const outcomes: string[] = [];
        for (const engine of [false, true]) {
          patched.reset();
          if (engine) patched.use();
          const notes = new Notes();
          const handler = { ...notes[style](), [method]: undefined };
          try {
            agent.dispatch({ origin, path: '/', method: 'POST', upgrade: '' }, handler);
            // The error may come through the handler, at once.
            outcomes.push(notes.log.join());
          } catch (error) {
            outcomes.push((error as Error).message);
          }
          await turns(2);
        }
        assert.equal(outcomes[1], outcomes[0], method);
      }
    });

    it('options undici refuses are refused in its own words, and are nobody’s failure', async () => {
      const origin = await serve(200);
      for (const bad of [{ path: 'no slash' }, { method: 'not a token' }, { body: 5 }, { path: undefined }]) {
        const bare = new Notes();
        patched.reset();
        dispatch(origin, bare, bad);
        patched.use();
        const notes = new Notes();
        dispatch(origin, notes, bad);
        assert.deepEqual(await notes.done, await bare.done);
        assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.failures ?? 0, 0);
      }
    });

    it('a destroyed dispatcher answers as it does without us', async () => {
      const origin = await serve(200);
      await agent.destroy();
      const bare = new Notes();
      const expected = dispatch(origin, bare);
      patched.use();
      const notes = new Notes();
      assert.equal(dispatch(origin, notes), expected);
      assert.deepEqual(notes.log, bare.log);
      assert.equal(patched.listener.ended.length, 1);
    });

    it('gets informational heads as they come', async () => {
      const origin = await serve((_request, response) => {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        response.end('x');
      });
      const bare = new Notes();
      dispatch(origin, bare);
      patched.use({ recoveries: [new Retry(1)] });
      const notes = new Notes();
      dispatch(origin, notes);
      assert.deepEqual(await notes.done, await bare.done);
      assert.equal(notes.log[1], '103 Early Hints');
      assert.equal(patched.listener.ended.length, 1);
    });

    it('may pause a substitute', async () => {
      const origin = await serve(503);
      patched.use({ recoveries: [new Degrade({ text: 'later' })] });
      const notes = new Notes(undefined, true);
      dispatch(origin, notes);
      while (notes.log.length < 2) await turns(1);
      await turns();
      assert.deepEqual(notes.log, ['connect', '200 OK']);
      notes.resume?.();
      assert.deepEqual(await notes.done, ['connect', '200 OK', 'data', 'end']);
    });

    it('may pause a response that was held', async () => {
      const origin = await serve((_request, response) => response.writeHead(503).end(BIG));
      patched.use({ recoveries: [{ mayResend: true, recover: () => Promise.resolve(undefined) }] });
      const notes = new Notes(undefined, true);
      dispatch(origin, notes);
      while (notes.log.length < 2) await turns(1);
      await turns(10);
      assert.deepEqual(notes.log, ['connect', '503 Service Unavailable']);
      assert.equal(patched.listener.ended.length, 0);
      notes.resume?.();
      assert.equal((await notes.done).at(-1), 'end');
      assert.equal(patched.listener.ended.length, 1);
    });

    it('is told of one error when it aborts a substitute and throws in the same breath', async () => {
      const origin = await serve(503);
      patched.use({ recoveries: [new Degrade({ text: 'instead' })] });
      const errors: Error[] = [];
      let abort: ((reason?: Error) => void) | undefined;
      const thrown = (): never => {
        abort?.(new Error('enough'));
        throw new Error('thrown');
      };
      const legacy = {
        onConnect: (given: (reason?: Error) => void) => {
          abort = given;
        },
        onHeaders: thrown,
        onData: () => true,
        onComplete: () => {},
        onError: (error: Error) => errors.push(error),
      };
      const modern = {
        onRequestStart: (controller: Controller) => {
          abort = (reason) => controller.abort(reason);
        },
        onResponseStart: thrown,
        onResponseData: () => {},
        onResponseEnd: () => {},
        onResponseError: (_controller: unknown, error: Error) => errors.push(error),
      };
      const client = new undici.Client(origin);
      client.dispatch({ path: '/', method: 'GET' }, Number(version) >= 7 ? modern : legacy);
      await client.close();
      assert.deepEqual(
        errors.map(({ message }) => message),
        ['enough'],
      );
    });

    it('may abort a substitute it has paused', async () => {
      const origin = await serve(503);
      patched.use({ recoveries: [new Degrade({})] });
      const notes = new Notes(undefined, true);
      dispatch(origin, notes);
      while (notes.log.length < 2) await turns(1);
      notes.abort?.(new Error('enough'));
      notes.resume?.();
      assert.deepEqual(await notes.done, ['connect', '200 OK', 'error enough']);
    });

    it('may abort while its response is held', async () => {
      const origin = await serve(503);
      let asked = false;
      const never = new Promise<undefined>(() => {});
      patched.use({
        recoveries: [
          {
            mayResend: true,
            recover() {
              asked = true;
              return never;
            },
          },
        ],
      });
      const notes = new Notes();
      dispatch(origin, notes);
      while (!asked) await turns(1);
      await turns();
      notes.abort?.(new Error('enough'));
      assert.deepEqual(await notes.done, ['connect', 'error enough']);
      assert.equal(patched.listener.ended.length, 1);
    });

    it('is told of a time limit while its attempt still waits for a connection', async () => {
      let connect: ((error: Error | null, socket: null) => void) | undefined;
      const waiting = new undici.Agent({
        connect: (_options: object, callback: (error: Error | null, socket: null) => void) => {
          connect = callback;
        },
      });
      patched.use({ policy: { timeout: { attemptMs: 20, totalMs: undefined, idleMs: undefined } } });
      const notes = new Notes();
      waiting.dispatch({ origin: 'http://slow.test', path: '/', method: 'GET' }, notes[style]());
      const log = await notes.done;
      assert.match(log.at(-1) ?? '', /attempt timeout of 20 ms/);
      connect?.(new Error('too late'), null);
      await turns();
      assert.equal(notes.log.length, log.length);
      await waiting.destroy();
    });

    it('goes without us when the engine fails', async () => {
      const origin = await serve(200);
      patched.use();
      const { engine } = patched;
      assert.ok(engine !== undefined);
      const failure = new Error('ours');
      const fail = (): never => {
        throw failure;
      };
      for (const broken of [{ route: fail }, { open: fail }]) {
        patched.engine = Object.assign(Object.create(engine), {
          route: (...args: Parameters<typeof engine.route>) => engine.route(...args),
          ...broken,
        });
        const notes = new Notes();
        dispatch(origin, notes);
        assert.equal((await notes.done).at(-1), 'end');
      }
      assert.deepEqual(patched.reports, [failure, failure]);
    });

    it('leaves a bypassed call alone to its end, also where it had to queue for a connection', async () => {
      const origin = await serve((_request, response) => setTimeout(() => response.end('x'), 10));
      const single = new undici.Pool(origin, { connections: 1, pipelining: 1 });
      patched.use();
      patched.bypassed = true;
      const all = [new Notes(), new Notes(), new Notes()];
      for (const notes of all) single.dispatch({ origin, path: '/', method: 'GET' }, notes[style]());
      patched.bypassed = false;
      for (const notes of all) assert.equal((await notes.done).at(-1), 'end');
      assert.equal(patched.listener.started.length, 0);
      await single.destroy();
    });

    it('reads headers that can be read only once as often as needed', async () => {
      const flat = version === '5';
      function* fields(): Generator<[string, string]> {
        yield ['x-once', 'yes'];
      }
      const origin = await serve(503, 200);
      patched.use({ recoveries: [new Retry(1)] });
      const notes = new Notes();
      dispatch(origin, notes, { headers: flat ? ['x-once', 'yes'] : fields() });
      await notes.done;
      assert.deepEqual(
        upstream?.hits.map((hit) => hit.headers['x-once']),
        ['yes', 'yes'],
      );
      assert.equal(patched.listener.started.length, 1);
    });

    it('is told the headers that were added below us, of the last attempt', async () => {
      const origin = await serve(503, 200);
      let count = 0;
      const add = (message: unknown): void => {
        const { request } = message as { request: { addHeader(name: string, value: string): void } };
        request.addHeader('traceparent', `trace-${++count}`);
      };
      diagnostics.subscribe('undici:request:create', add);
      const unwatch = watchRequests();
      try {
        patched.use({ recoveries: [new Retry(1)] });
        const notes = new Notes();
        dispatch(origin, notes);
        await notes.done;
        assert.equal(patched.listener.started[0]?.sentHeader('traceparent'), 'trace-2');
        assert.equal(patched.listener.started[0]?.sentHeader('absent'), undefined);
        assert.equal(upstream?.hits[1]?.headers.traceparent, 'trace-2');
      } finally {
        unwatch();
        diagnostics.unsubscribe('undici:request:create', add);
      }
    });

    it('makes later attempts in the caller’s asynchronous context', async () => {
      const origin = await serve(503, 200);
      const storage = new AsyncLocalStorage<string>();
      const seen: Array<string | undefined> = [];
      const note = (): void => {
        seen.push(storage.getStore());
      };
      diagnostics.subscribe('undici:request:create', note);
      try {
        const queue = new Queue();
        patched.use({ guards: [queue], recoveries: [new Retry(1, 1)] });
        const notes = new Notes();
        storage.run('caller', () => dispatch(origin, notes));
        storage.run('somebody else', () => queue.admit());
        await notes.done;
        assert.deepEqual(seen, ['caller', 'caller']);
      } finally {
        diagnostics.unsubscribe('undici:request:create', note);
      }
    });

    it('is told everything in its own asynchronous context, not in that of an attempt', async () => {
      const origin = await serve(503, 200);
      const storage = new AsyncLocalStorage<string>();
      patched.use({ recoveries: [new Retry(1, 1)] });
      patched.listener.attempt = (_call, _number, send) => storage.run('ours', send);
      const notes = new Notes();
      const handler = notes[style]() as Record<string, (...args: unknown[]) => unknown>;
      const seen: Array<string | undefined> = [];
      const watched = Object.fromEntries(
        Object.entries(handler).map(([name, method]) => [
          name,
          (...args: unknown[]) => {
            seen.push(storage.getStore());
            return method(...args);
          },
        ]),
      );
      storage.run('caller', () => agent.dispatch({ origin, path: '/', method: 'GET' }, watched));
      assert.equal((await notes.done).at(-1), 'end');
      assert.deepEqual([...new Set(seen)], ['caller']);
    });

    it('sees an unchanged surface, and the original after the undo', () => {
      const base = Object.getPrototypeOf(undici.Agent.prototype) as object;
      const descriptor = Object.getOwnPropertyDescriptor(base, 'dispatch');
      assert.equal(descriptor?.value.name, 'dispatch');
      assert.equal(descriptor?.value.length, 2);
      assert.equal(descriptor?.enumerable, false);
      assert.equal('prototype' in descriptor.value, false);
      assert.doesNotMatch(String(descriptor?.value), /kDestroyed/);
      const second = new PatchedUndici().apply();
      const doubly = Object.getOwnPropertyDescriptor(base, 'dispatch')?.value;
      assert.notEqual(doubly, descriptor?.value);
      second.undo();
      assert.equal(Object.getOwnPropertyDescriptor(base, 'dispatch')?.value, descriptor?.value);
    });
  });
}

describe('instrumentUndici', () => {
  it('covers a copy that is found in no other way', async () => {
    const undici = loadUndici('6');
    patched.undo();
    const base = Object.getPrototypeOf(undici.Agent.prototype) as { dispatch: unknown };
    const native = base.dispatch;
    instrumentUndici(undici);
    assert.equal(base.dispatch, native);
    const again = new PatchedUndici().apply();
    assert.notEqual(base.dispatch, native);
    again.undo();
    assert.equal(base.dispatch, native);
    patched.apply();
  });

  after(() => patched.reset());
});
