import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'mocha';
import { loadConfig } from '../src/config/load-config.ts';
import { anchors, fenced, localLinks, markdownFiles } from './support/markdown.ts';

const ROOT = path.join(__dirname, '../..');
const FILES = markdownFiles(ROOT);

describe('the documentation', () => {
  it('has no dead link and no dead anchor', () => {
    const dead = FILES.flatMap(({ file, text }) =>
      localLinks(text).flatMap((link) => {
        const [target = '', anchor] = link.split('#', 2);
        const named = target.startsWith('/') ? target.slice(1) : path.posix.join(path.posix.dirname(file), target);
        const to = target === '' ? file : named;
        if (!fs.existsSync(path.join(ROOT, to))) return [`${file}: ${link}`];
        if (anchor === undefined || !to.endsWith('.md')) return [];
        const there = anchors(fs.readFileSync(path.join(ROOT, to), 'utf8'));
        return there.has(anchor) ? [] : [`${file}: ${link}`];
      }),
    );
    assert.deepEqual(dead, []);
  });

  it('shows no configuration that is not valid', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'resilience-docs-'));
    const wrong: string[] = [];
    for (const { file, text } of FILES) {
      for (const block of fenced(text, 'yaml')) {
        if (!/^(?:policies|rules):/m.test(block)) continue;
        const name = path.join(folder, 'resilience.yaml');
        fs.writeFileSync(name, block);
        const { problems } = loadConfig({ env: { OTEL_RESILIENCE_CONFIG_FILE: name } });
        if (problems.length > 0) wrong.push(`${file}: ${JSON.stringify(problems)}\n${block}`);
      }
    }
    fs.rmSync(folder, { recursive: true });
    assert.deepEqual(wrong, []);
  });
});
