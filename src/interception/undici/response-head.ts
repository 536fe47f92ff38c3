import type { Fields, WireHead } from './caller-side.ts';
import type { HeaderRecord, RawHeaders } from './undici-types.ts';

/** A head in raw fields; a field is decoded only when it is asked for. */
export class RawHead implements WireHead {
  readonly status: number;
  readonly raw: RawHeaders;
  readonly statusText: string | undefined;
  /** Has undici read on after a pause. */
  readonly resume: () => void;

  constructor(status: number, raw: RawHeaders, statusText: string | undefined, resume: () => void) {
    this.status = status;
    this.raw = raw;
    this.statusText = statusText;
    this.resume = resume;
  }

  marked(fields: Fields): RawHead {
    return new RawHead(this.status, markRaw(this.raw, fields), this.statusText, this.resume);
  }

  kept(): RawHead {
    return new RawHead(this.status, copyRaw(this.raw), this.statusText, this.resume);
  }

  header(name: string): string | undefined {
    let found: string | undefined;
    for (let i = 0; i + 1 < this.raw.length; i += 2) {
      if (fieldName(this.raw[i]) !== name) continue;
      const value = fieldValue(this.raw[i + 1]);
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }

  *entries(): IterableIterator<readonly [string, string]> {
    for (let i = 0; i + 1 < this.raw.length; i += 2) {
      const name = fieldName(this.raw[i]);
      for (const item of [this.raw[i + 1]].flat()) yield [name, fieldValue(item)];
    }
  }
}

/** A head in a record, as handlers of the newer style get it. */
export class RecordHead implements WireHead {
  readonly status: number;
  readonly record: HeaderRecord;
  readonly statusText: string | undefined;
  /** The fields as they came, where the version shows them. */
  readonly raw: unknown;

  constructor(status: number, record: HeaderRecord, statusText: string | undefined, raw: unknown) {
    this.status = status;
    this.record = record;
    this.statusText = statusText;
    this.raw = raw;
  }

  marked(fields: Fields): RecordHead {
    const raw = Array.isArray(this.raw) ? markRaw(this.raw, fields) : this.raw;
    return new RecordHead(this.status, markRecord(this.record, fields), this.statusText, raw);
  }

  kept(): RecordHead {
    const raw = Array.isArray(this.raw) ? copyRaw(this.raw) : this.raw;
    return new RecordHead(this.status, this.record, this.statusText, raw);
  }

  header(name: string): string | undefined {
    if (!Object.hasOwn(this.record, name)) return undefined;
    const value = this.record[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  *entries(): IterableIterator<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.record)) {
      for (const item of [value].flat()) if (item !== undefined) yield [name, item];
    }
  }
}

/** A copy that no longer shares memory with the parser. */
function copyRaw(raw: RawHeaders): unknown[] {
  return raw.map((item) => {
    if (Array.isArray(item)) return copyRaw(item);
    return item instanceof Uint8Array ? Buffer.from(item) : item;
  });
}

/** Raw fields with ours in place of whatever the other side sent under the same names. */
function markRaw(raw: RawHeaders, marks: Fields): unknown[] {
  const marked: unknown[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (!hasMark(marks, fieldName(raw[i]))) marked.push(raw[i], raw[i + 1]);
  }
  for (const [name, value] of marks) marked.push(Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
  return marked;
}

/** The same for a record. */
function markRecord(record: HeaderRecord, marks: Fields): HeaderRecord {
  const marked: HeaderRecord = { ...record };
  for (const [name] of marks) delete marked[name.toLowerCase()];
  for (const [name, value] of marks) addTo(marked, name, value);
  return marked;
}

/** Fields of our own as raw fields. */
export function rawFrom(fields: Fields): Buffer[] {
  return fields.flatMap(([name, value]) => [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')]);
}

/** Fields of our own as a record. */
export function recordFrom(fields: Fields): HeaderRecord {
  const record: HeaderRecord = {};
  for (const [name, value] of fields) addTo(record, name, value);
  return record;
}

function addTo(record: HeaderRecord, name: string, value: string): void {
  const key = name.toLowerCase();
  const known = Object.hasOwn(record, key) ? record[key] : undefined;
  const next = known === undefined ? value : [known, value].flat();
  // As an own field whatever its name: `__proto__` too is only a name here.
  Object.defineProperty(record, key, { value: next, writable: true, enumerable: true, configurable: true });
}

function hasMark(marks: Fields, name: string): boolean {
  return marks.some(([mark]) => mark.toLowerCase() === name);
}

function fieldName(item: unknown): string {
  return fieldValue(item).toLowerCase();
}

function fieldValue(item: unknown): string {
  if (Array.isArray(item)) return item.map(fieldValue).join(', ');
  return item instanceof Uint8Array
    ? Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('latin1')
    : String(item);
}
