import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { listOptions } from '../../scripts/schema/describe.ts';
import { TABLES, withTables } from '../../scripts/schema/tables.ts';
import { typesText } from '../../scripts/schema/types-text.ts';
import { documentOptions } from '../../src/config/options/document.ts';
import { policyOptions } from '../../src/config/options/policy.ts';
import { configJsonSchema } from '../../src/config/schema/json-schema.ts';
import { type Option, switchPosition } from '../../src/config/schema/option.ts';
import { DEFAULT_POLICY } from '../../src/strategies/shared/policy.ts';
import { loadFile, policyOf } from './harness.ts';

const ROOT = path.join(__dirname, '../../..');

function read(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), 'utf8');
}

function isTaken(option: Option, value: unknown): boolean {
  if (option.form === 'value') return option.kind.parse(value) !== undefined;
  return option.form === 'switch' && switchPosition(value) !== undefined;
}

describe('what is generated from the option tables (npm run schema)', () => {
  it('is up to date in config.schema.json', () => {
    assert.deepEqual(JSON.parse(read('config.schema.json')), JSON.parse(JSON.stringify(configJsonSchema())));
  });

  it('is up to date in the types of the options in code', () => {
    assert.equal(read('src/config/config-types.ts'), typesText());
  });

  for (const file of ['README.md', 'docs/configuration.md']) {
    it(`is up to date in the tables of ${file}`, () => {
      const text = read(file);
      assert.equal(text, withTables(text));
    });
  }

  it('has a place for every table', () => {
    const pages = read('README.md') + read('docs/configuration.md');
    for (const name of Object.keys(TABLES)) assert.ok(pages.includes(`<!-- generated: ${name} `), name);
  });

  it('says of every option in code its default and its range', () => {
    const text = typesText();
    assert.match(text, /How long a call may wait for a slot\. 1ms to 1h\. Default: `1s`\. \*\//);
    assert.match(text, /readonly handler\?: FallbackHandler \| undefined;/);
  });
});

describe('config.schema.json', () => {
  it('is shipped, and found by its name', () => {
    const manifest = JSON.parse(read('package.json'));
    assert.ok(manifest.files.includes('config.schema.json'));
    assert.equal(manifest.exports['./config.schema.json'], './config.schema.json');
  });

  it('knows no functions', () => {
    assert.doesNotMatch(JSON.stringify(configJsonSchema()), /"handler"/);
  });
});

describe('the option tables', () => {
  it('describe every option, and tell every default in a form that the option takes', () => {
    const listed = listOptions({ ...documentOptions, ...policyOptions });
    for (const { path: at, option } of listed) {
      const name = at.join('.');
      assert.match(option.description, /\.$/, name);
      if (option.default !== undefined) assert.ok(isTaken(option, option.default), name);
    }
    assert.ok(listed.length > 60);
  });

  it('tells the defaults that are in force', () => {
    const written: Record<string, unknown> = {};
    for (const { path: at, option } of listOptions(policyOptions)) {
      const isValue = option.form === 'value' && option.default !== undefined;
      if (!isValue || at[0] === 'preset' || at.at(-1) === 'size') continue;
      let section = written;
      for (const name of at.slice(0, -1)) {
        section[name] ??= {};
        section = section[name] as Record<string, unknown>;
      }
      section[at.at(-1) as string] = option.default;
    }
    // Without permits, most of a rate limiter has no effect, which would be a problem.
    Object.assign(written.rate_limiter as object, { permits: 5 });
    const implied = {
      ...Object.fromEntries(Object.keys(written).map((name) => [name, {}])),
      circuit_breaker: { slow_call: true, half_open: { lease: '30s' } }, // else the attempt timeout
      rate_limiter: { permits: 5 },
      bulkhead: { max_concurrent: 100, adaptive: true }, // else the ceiling is another
      fallback: { cache: true, response: true },
    };
    const first = policyOf(loadFile(JSON.stringify({ policies: { default: written } })));
    const second = policyOf(loadFile(JSON.stringify({ policies: { default: implied } })));
    assert.deepEqual(first, second);
    assert.deepEqual(first.verdict, DEFAULT_POLICY.verdict);
  });
});
