import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import * as api from '../src/index.ts';
import { ATTRIBUTES, EVENT_CHANNEL, EVENTS, EXECUTION_SPAN, METRICS } from '../src/telemetry/names.ts';
import { attributeLists, attributeRows, eventRows, metricRows } from './support/telemetry-tables.ts';

const ROOT = path.join(__dirname, '../..');
const read = (file: string): string => fs.readFileSync(path.join(ROOT, file), 'utf8');

/** Names that begin as ours do and are none of OpenTelemetry's: a log line of the console, a file. */
const OTHER_NAMES = ['resilience.log.dropped', 'resilience.yaml'];

describe('docs/telemetry.md', () => {
  const lines = read('docs/telemetry.md').split('\n');

  it('has every event, metric and attribute as the table of names has it, and no other', () => {
    const rows = lines.filter((line) => line.startsWith('| `'));
    assert.deepEqual(rows, [...eventRows(), ...metricRows(), ...attributeRows()]);
  });

  it('lists the attributes of the span and those of every event', () => {
    for (const list of attributeLists()) assert.ok(lines.includes(list), list);
  });
});

describe('README.md', () => {
  const readme = read('README.md');

  it('names every event and metric', () => {
    for (const { name } of [...Object.values(EVENTS), ...Object.values(METRICS)]) {
      assert.ok(readme.includes(`\`${name}\``), name);
    }
  });

  it('names no span, event, metric or attribute that there is not', () => {
    const known = new Set<string>([
      EXECUTION_SPAN.name,
      ...[...Object.values(EVENTS), ...Object.values(METRICS), ...Object.values(ATTRIBUTES)].map(({ name }) => name),
      ...OTHER_NAMES,
    ]);
    const named = readme.match(/\bresilience\.[a-z_]+(?:\.[a-z_]+)*/g) ?? [];
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
    assert.ok(readme.includes(`\`${EVENT_CHANNEL}\``));
  });

  it('names every export and every error code', () => {
    for (const name of Object.keys(api)) assert.ok(readme.includes(`\`${name}`), name);
    const codes = read('src/errors.ts').match(/'ERR_RESILIENCE_[A-Z_]+'/g) ?? [];
    for (const code of new Set(codes)) assert.ok(readme.includes(`\`${code.slice(1, -1)}\``), code);
  });

  it('points only to files and npm scripts that there are', () => {
    const targets = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target as string);
    for (const target of targets) assert.ok(fs.existsSync(path.join(ROOT, target)), target);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run (demo|example:[a-z-]+)/g)].map(([, script]) => script as string);
    for (const script of named) assert.ok(script in scripts, script);
  });
});
