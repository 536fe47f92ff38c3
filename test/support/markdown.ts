import fs from 'node:fs';
import path from 'node:path';

/** A Markdown file of the repository, as far as tests look into it. */
export interface MarkdownFile {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
}

const SKIPPED = new Set(['node_modules', 'build', 'dist', '.git', 'coverage']);

/** All Markdown files below `root`. */
export function markdownFiles(root: string, below = ''): MarkdownFile[] {
  return fs.readdirSync(path.join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(below, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : markdownFiles(root, file);
    if (!entry.name.endsWith('.md')) return [];
    return [{ file, text: fs.readFileSync(path.join(root, file), 'utf8') }];
  });
}

/** The text without fenced blocks, where `#` and brackets mean something else. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

/** The anchors of a file's headings, by the rule of the common hosts. */
export function anchors(text: string): Set<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, heading = ''] of prose(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    found.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return found;
}

/** Targets of links and images that are no addresses of elsewhere. */
export function localLinks(text: string): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/i.test(target));
}

/** The contents of the fenced blocks in a language. */
export function fenced(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, name]) => name === language)
    .map(([, , block]) => block as string);
}
