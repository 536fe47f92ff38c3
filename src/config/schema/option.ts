import { z } from 'zod';

/** How an option is written, for messages, for the environment and for whoever walks the schema. */
export type OptionForm =
  /** A map of options. */
  | { readonly kind: 'section'; readonly options: OptionShape }
  /** A strategy or a part of one: a map of options, true for its defaults, false to switch it off. */
  | { readonly kind: 'switch'; readonly options: OptionShape }
  /** Names that the operator chose, each with a map of options. */
  | { readonly kind: 'named'; readonly name: z.ZodType; readonly item: OptionShape }
  | { readonly kind: 'sections'; readonly item: OptionShape; readonly max: number }
  /** One value. `text` says how an environment variable spells it, `holds` what it is read into if not what was given. */
  | { readonly kind: 'value'; readonly text: TextForm; readonly holds?: Held }
  /** A function, so only to be had in code. */
  | { readonly kind: 'function' };

/** Milliseconds, bytes, ranges of statuses, addresses of endpoints. */
export type Held = 'duration' | 'size' | 'statuses' | 'endpoints';

export type TextForm = 'scalar' | 'list' | 'pairs' | 'json';

export type OptionShape = Readonly<Record<string, z.ZodType>>;

/** What is known of an option besides what zod checks. */
export interface OptionMeta extends OptionText {
  readonly form: OptionForm;
  /** Ends the sentence "expected ...". */
  readonly expects: string;
}

export interface OptionText {
  readonly description: string;
  /** As one would write it in the file. Undefined: there is none, or it depends on other options. */
  readonly default?: unknown;
}

const known = new WeakMap<object, OptionMeta>();

/** What is known of a schema that `option` made, so that nothing about options has to be listed a second time. */
export function metaOf(schema: z.ZodType): OptionMeta {
  const meta = known.get(schema);
  if (meta === undefined) throw new TypeError('not an option of the schema');
  return meta;
}

/** The same for any schema: undefined for the parts that options are made of. */
export function findMeta(schema: object): OptionMeta | undefined {
  return known.get(schema);
}

/** Makes an option of a schema: may be left out, and is known to whoever walks the schema. */
export function option<S extends z.ZodType>(
  schema: S,
  text: OptionText,
  meta: Omit<OptionMeta, keyof OptionText>,
): z.ZodOptional<S> {
  const optional = schema.optional().meta({ description: text.description });
  known.set(optional, { ...text, ...meta });
  return optional;
}

export function section<S extends z.ZodRawShape>(options: S, text: OptionText) {
  const form = { kind: 'section', options: options as unknown as OptionShape } as const;
  return option(z.strictObject(options), text, { form, expects: 'a map of options' });
}

/** True becomes `{}`: on, with nothing said. */
export function switchable<S extends z.ZodRawShape>(options: S, text: OptionText) {
  const form = { kind: 'switch', options: options as unknown as OptionShape } as const;
  const schema = z
    .union([z.boolean(), z.enum(['on', 'off']), z.strictObject(options)])
    .transform((value): false | z.output<z.ZodObject<S>> => {
      if (value === false || value === 'off') return false;
      return value === true || value === 'on' ? ({} as z.output<z.ZodObject<S>>) : (value as z.output<z.ZodObject<S>>);
    });
  return option(schema, text, { form, expects: 'a map of options, true for the defaults, or false' });
}
