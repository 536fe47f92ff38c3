/** How an environment variable spells a value. */
export type TextForm = 'scalar' | 'list' | 'pairs' | 'json';

/** Draft 7. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A kind of value: one object says what it takes, and how messages, editors, types and tables call it. */
export interface Kind<T> {
  /** The value as it is kept (milliseconds, bytes, ranges, ...); undefined: it is not of this kind. Never throws. */
  parse(given: unknown): T | undefined;
  /** Ends the sentence "expected ...". */
  readonly expects: string;
  /** The range in a few words, for tables and doc comments: `10ms to 24h`. */
  readonly brief: string;
  /** What it takes in a file. May be wider than `parse`, never narrower. */
  readonly json: JsonSchema;
  /** The type in TypeScript of what it takes. */
  readonly type: string;
  readonly text: TextForm;
  /** All values, where there are few: a wrong one may be one of them, misspelt. */
  readonly choices?: readonly string[];
  /** The kind of each item of a list. */
  readonly item?: Kind<unknown>;
  /** True: a value may hold a password, so no message repeats it. */
  readonly secret?: boolean;
  /** What to write instead of an empty list. */
  readonly whenEmpty?: string;
  /** The value as one writes it in a file; left out: as it is kept. */
  write?(value: T): unknown;
}

const OFF = ['off'] as const;

/** False: none. `off` is a text in YAML 1.2. */
export function orOff<T>(kind: Kind<T>): Kind<T | false> {
  const write = (value: T | false): unknown => (value === false ? 'off' : (kind.write?.(value) ?? value));
  return {
    ...kind,
    parse: (given) => (given === false || given === 'off' ? false : kind.parse(given)),
    expects: `${kind.expects}, or off`,
    brief: `${kind.brief}, or off`,
    json: { anyOf: [{ enum: [false, ...OFF] }, kind.json] },
    type: `OrOff<${kind.type}>`,
    choices: [...(kind.choices ?? []), ...OFF],
    write,
  };
}

export interface ListLimits {
  readonly min?: number;
  readonly max: number;
}

/** `expects` names the list and its items: "a list of HTTP methods such as GET". */
export function listOf<T>(
  item: Kind<T>,
  { min = 0, max }: ListLimits,
  words: Pick<Kind<T>, 'expects' | 'brief' | 'whenEmpty'>,
): Kind<readonly T[]> {
  return {
    ...words,
    parse(given) {
      if (!Array.isArray(given) || given.length < min || given.length > max) return undefined;
      const items: T[] = [];
      for (const one of given as unknown[]) {
        const parsed = item.parse(one);
        if (parsed === undefined) return undefined;
        items.push(parsed);
      }
      return items;
    },
    json: { type: 'array', items: item.json, ...(min > 0 && { minItems: min }), maxItems: max },
    type: `readonly ${item.type}[]`,
    text: 'list',
    item: item as Kind<unknown>,
    ...(item.secret && { secret: true }),
    ...(item.write && { write: (values: readonly T[]) => values.map((value) => item.write?.(value)) }),
  };
}
