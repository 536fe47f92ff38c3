import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { CacheStore, type StoreEntry } from '../../../src/strategies/fallback/cache-store.ts';

const MAX_BYTES = 100;

interface Entry extends StoreEntry {
  readonly serial: number;
}

type Action =
  | {
      readonly kind: 'put';
      readonly url: string;
      readonly caller: string;
      readonly variant: string;
      readonly bytes: number;
    }
  | { readonly kind: 'find'; readonly url: string; readonly caller: string; readonly variant: string }
  | { readonly kind: 'forget'; readonly url: string; readonly caller: string | undefined }
  | { readonly kind: 'resize'; readonly maxBytes: number };

const url = fc.constantFrom('a', 'b', 'c');
const caller = fc.constantFrom('', 'x');
const variant = fc.constantFrom('1', '2');
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      url,
      caller,
      variant,
      bytes: fc.integer({ min: 1, max: 120 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('find' as const), url, caller, variant }) },
  fc.record({ kind: fc.constant('forget' as const), url, caller: fc.option(caller, { nil: undefined }) }),
  fc.record({ kind: fc.constant('resize' as const), maxBytes: fc.integer({ min: 0, max: 200 }) }),
);

/** The same in the simplest way: a list, the least recently used first. */
class Model {
  entries: Entry[] = [];
  maxBytes = MAX_BYTES;

  get bytes(): number {
    return this.entries.reduce((sum, entry) => sum + entry.bytes, 0);
  }

  find(like: { url: string; caller: string; variant: string }): Entry | undefined {
    const found = this.entries.find((entry) => isLike(entry, like));
    if (found !== undefined) this.entries = [...this.entries.filter((entry) => entry !== found), found];
    return found;
  }

  put(entry: Entry, like: { url: string; caller: string; variant: string }): void {
    if (entry.bytes > this.maxBytes) return;
    this.entries = this.entries.filter((other) => !isLike(other, like));
    while (this.bytes + entry.bytes > this.maxBytes) this.entries.shift();
    this.entries.push(entry);
  }
}

function isLike(entry: Entry, like: { url: string; caller: string; variant: string }): boolean {
  return entry.url === like.url && entry.caller === like.caller && entry.selection[0]?.[1] === like.variant;
}

describe('the store of the fallback cache', () => {
  it('never holds more bytes than it may, and is the same as a list kept in order of use', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const store = new CacheStore<Entry>(MAX_BYTES);
        const model = new Model();
        let serial = 0;
        for (const act of actions) {
          if (act.kind === 'put') {
            const entry: Entry = { ...act, fields: '', selection: [['v', act.variant]], serial: serial++ };
            store.put(entry);
            model.put(entry, act);
          } else if (act.kind === 'find') {
            const found = store.find(act.url, act.caller, (entry) => isLike(entry, act));
            assert.equal(found?.serial, model.find(act)?.serial);
          } else if (act.kind === 'forget') {
            store.forget(act.url, act.caller);
            const stays = (entry: Entry) =>
              entry.url !== act.url || (act.caller !== undefined && entry.caller !== act.caller);
            model.entries = model.entries.filter(stays);
          } else {
            store.resize(act.maxBytes);
            model.maxBytes = act.maxBytes;
            while (model.bytes > model.maxBytes) model.entries.shift();
          }
          assert.ok(store.bytes <= model.maxBytes);
          assert.equal(store.bytes, model.bytes);
          assert.equal(store.size, model.entries.length);
        }
      }),
    );
  });
});
