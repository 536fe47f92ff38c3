import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { z } from 'zod';
import type { PolicyConfig, ResilienceConfig, RuleConfig } from '../../src/config/config-types.ts';
import { camelCase } from '../../src/config/read.ts';
import type { documentSchema } from '../../src/config/schema/document.ts';
import { documentOptions } from '../../src/config/schema/document.ts';
import { configJsonSchema } from '../../src/config/schema/json-schema.ts';
import { metaOf, type OptionMeta, type OptionShape } from '../../src/config/schema/option.ts';
import { policyOptions } from '../../src/config/schema/policy.ts';
import { DEFAULT_POLICY } from '../../src/strategies/shared/policy.ts';
import { loadFile, policyOf } from './harness.ts';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type Names<T> = T extends readonly (infer I)[]
  ? Names<I>[]
  : T extends (...args: never[]) => unknown
    ? 'function'
    : T extends object
      ? { [K in keyof T as K extends string ? Camel<K> : K]-?: Names<NonNullable<T[K]>> }
      : never;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type FromSchema = NonNullable<z.input<typeof documentSchema>>;
type PolicyFromSchema = NonNullable<FromSchema['policies']>[string];
type RuleFromSchema = NonNullable<FromSchema['rules']>[number];

/** Compiles only as long as the types for code have the names of the schema, all of them and no others. */
const SAME_NAMES: [
  Same<keyof Names<PolicyFromSchema>, keyof PolicyConfig>,
  Same<Names<RuleFromSchema>, Names<RuleConfig>>,
  Same<keyof Names<FromSchema> | 'enabled', keyof ResilienceConfig>,
  Same<Strategy<PolicyFromSchema, 'circuit_breaker'>, Strategy<PolicyConfig, 'circuitBreaker'>>,
  Same<Strategy<PolicyFromSchema, 'failure'>, Strategy<PolicyConfig, 'failure'>>,
  Same<Strategy<PolicyFromSchema, 'bulkhead'>, Strategy<PolicyConfig, 'bulkhead'>>,
  Same<Strategy<PolicyFromSchema, 'rate_limiter'>, Strategy<PolicyConfig, 'rateLimiter'>>,
  Same<Strategy<PolicyFromSchema, 'timeout'>, Strategy<PolicyConfig, 'timeout'>>,
  Same<Strategy<PolicyFromSchema, 'retry'>, Strategy<PolicyConfig, 'retry'>>,
  Same<keyof Strategy<PolicyFromSchema, 'fallback'>, keyof Strategy<PolicyConfig, 'fallback'>>,
  Same<Strategy<PolicyFromSchema, 'health'>, Strategy<PolicyConfig, 'health'>>,
] = [true, true, true, true, true, true, true, true, true, true, true];
type Strategy<P, K extends keyof P> = Names<Extract<NonNullable<P[K]>, object>>;

function eachOption(
  options: OptionShape,
  visit: (path: string[], meta: OptionMeta) => void,
  above: string[] = [],
): void {
  for (const [name, schema] of Object.entries(options)) {
    const meta = metaOf(schema);
    visit([...above, name], meta);
    if ('options' in meta.form) eachOption(meta.form.options, visit, [...above, name]);
  }
}

describe('config.schema.json', () => {
  const root = path.join(__dirname, '../../..');

  it('is what the schema gives (npm run schema)', () => {
    const checkedIn: unknown = JSON.parse(fs.readFileSync(path.join(root, 'config.schema.json'), 'utf8'));
    assert.deepEqual(checkedIn, JSON.parse(JSON.stringify(configJsonSchema())));
  });

  it('is shipped, and found by its name', () => {
    const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    assert.ok(manifest.files.includes('config.schema.json'));
    assert.equal(manifest.exports['./config.schema.json'], './config.schema.json');
  });

  it('knows no functions', () => {
    assert.doesNotMatch(JSON.stringify(configJsonSchema()), /"handler"/);
  });
});

describe('the schema', () => {
  it('describes every option, and tells every default in a form that it takes itself', () => {
    const seen: string[] = [];
    const visit = (at: string[], meta: OptionMeta) => {
      const name = at.join('.');
      seen.push(name);
      assert.match(meta.description, /\.$/, name);
      const schema = at.reduce<{ schema?: z.ZodType; options: OptionShape }>(
        ({ options }, key) => {
          const next = options[key] as z.ZodType;
          const { form } = metaOf(next);
          return { schema: next, options: 'options' in form ? form.options : {} };
        },
        { options: { ...documentOptions, ...policyOptions } },
      ).schema;
      if (meta.default !== undefined) assert.equal(schema?.safeParse(meta.default).success, true, name);
    };
    eachOption(documentOptions, visit);
    eachOption(policyOptions, visit);
    assert.ok(seen.length > 60);
  });

  it('tells the defaults that are in force', () => {
    const written: Record<string, unknown> = {};
    eachOption(policyOptions, (at, meta) => {
      const isValue = meta.form.kind === 'value' && meta.default !== undefined;
      if (!isValue || at[0] === 'preset' || at.at(-1) === 'size') return;
      let section = written;
      for (const name of at.slice(0, -1)) {
        section[name] ??= {};
        section = section[name] as Record<string, unknown>;
      }
      section[at.at(-1) as string] = meta.default;
    });
    // Without permits, most of a rate limiter has no effect, which would be a problem.
    Object.assign(written.rate_limiter as object, { permits: 5 });
    const implied = {
      ...Object.fromEntries(Object.keys(written).map((name) => [name, {}])),
      circuit_breaker: { slow_call: true, half_open: { lease: '30s' } }, // else the attempt timeout
      rate_limiter: { permits: 5 },
      fallback: { cache: true, response: true },
    };
    const first = policyOf(loadFile(JSON.stringify({ policies: { default: written } })));
    const second = policyOf(loadFile(JSON.stringify({ policies: { default: implied } })));
    assert.deepEqual(first, second);
    assert.deepEqual(first.verdict, DEFAULT_POLICY.verdict);
  });

  it('is what docs/configuration.md says of each option', () => {
    // A formatter may have aligned the columns.
    const narrow = (line: string): string => line.replaceAll(/ {2,}/g, ' ');
    const page = fs.readFileSync(path.join(__dirname, '../../../docs/configuration.md'), 'utf8');
    const docs = page.split('\n').map(narrow);
    eachOption(policyOptions, (at, meta) => {
      const text = typeof meta.default === 'string' ? meta.default : JSON.stringify(meta.default);
      const shown = text === undefined ? '' : `\`${text}\``;
      assert.ok(docs.includes(narrow(`| \`${at.join('.')}\` | ${shown} | ${meta.description} |`)), at.join('.'));
    });
  });

  it('has the same names as the types for code', () => {
    assert.ok(SAME_NAMES.every((same) => same));
    assert.equal(camelCase('max_entry_bytes'), 'maxEntryBytes');
  });
});
