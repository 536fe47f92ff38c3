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

/** The commands of a shell block: comments and prompts gone, lines that go on put together. */
export function commandsOf(block: string): string[] {
  return block
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(?:^|\s+)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** The text below a heading, up to the next one of its depth or above. */
export function section(text: string, heading: string): string {
  const [marks = ''] = heading.split(' ', 1);
  const [, rest] = `\n${text}`.split(`\n${heading}\n`, 2);
  if (rest === undefined) throw new Error(`there is no heading "${heading}"`);
  return rest.split(new RegExp(`^#{1,${marks.length}} `, 'm'), 1)[0] as string;
}

/** A fenced block as it stands: its language, as far as it has one, and its text. */
export function fences(text: string): readonly { readonly language: string; readonly block: string }[] {
  return [...text.matchAll(/^ *```(\S*)\n([\s\S]*?)^ *```$/gm)].map(([, language = '', block = '']) => ({
    language,
    block,
  }));
}

/** What a reader may type: a program with arguments, with variables before it. `npm start` alone is anybody's. */
const TYPED =
  /^(?:[A-Z_]+=\S+ )*(?:(?:npx|node|otel-resilience|curl|docker|kubectl|promtool|ssh) .+|npm (?:run|ci|test|owner|install .)\b.*|\.ci\/run)$/;

/**
 * Every command in a Markdown text: those of shell blocks, what stands behind `$` where output is shown too, `RUN` of a
 * Dockerfile, and code in the prose that is one.
 */
export function documentedCommands(text: string): readonly string[] {
  const fromFences = fences(text).flatMap(({ language, block }) => {
    if (language === 'sh') return commandsOf(block);
    const typed = { console: /^\$ (.+)$/gm, dockerfile: /^RUN (.+)$/gm }[language];
    return typed === undefined ? [] : [...block.matchAll(typed)].map(([, command]) => command as string);
  });
  const inProse = [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code as string);
  return [...fromFences, ...inProse.filter((code) => TYPED.test(code))].flatMap((command) => command.split(' && '));
}
