import type * as Yaml from 'yaml';
import { readJson } from './json-text.ts';
import { type Keys, type Locate, messageOf, type Problems } from './problem.ts';
import type { Environment } from './settings.ts';
import { substitute } from './substitution.ts';

/** The value of a text, and where each part of it stands. */
export interface DocumentText {
  /** Null: there is none. */
  readonly value: unknown;
  readonly locate: Locate;
}

/** A part of a document of OpenTelemetry's, with environment variables in its values. */
export interface Part {
  readonly node: readonly string[];
  readonly env: Environment;
}

interface ParsedYaml {
  readonly document: Yaml.Document;
  readonly lines: Yaml.LineCounter;
}

const MAX_DEPTH = 100;
const MAX_ERRORS = 10;
const INDENTED_FAR = /^[ \t\-?:]{400}/m; // `- - -` and `? ? ?` nest without a line break

/**
 * A text in YAML 1.2, of which JSON is a part. Undefined: it does not parse, which is in `problems`. Plain JSON is read
 * without the YAML library, which takes longer to load than all of ours.
 */
export function readDocument(name: string, text: string, problems: Problems, part?: Part): DocumentText | undefined {
  const wrong = (path: string, message: string): void => {
    problems.add({ path, message, source: 'file' }, { kind: 'default_off' });
  };
  if (isTooDeep(text)) {
    wrong(name, `nested deeper than ${MAX_DEPTH}`);
    return undefined;
  }
  const json = part === undefined ? readJson(text) : undefined;
  if (json !== undefined) return { value: json.value, locate: lazily(() => locatorOf(name, parseYaml(text))) };
  try {
    const parsed = parseYaml(text);
    const { document, lines } = parsed;
    for (const { pos, message } of document.errors.slice(0, MAX_ERRORS)) {
      const { line, col } = lines.linePos(pos[0]);
      wrong(`${name}:${line}:${col}`, `does not parse: ${message}`);
    }
    if (document.errors.length > 0) return undefined;
    return { value: plainValue(document, part) ?? null, locate: locatorOf(name, parsed, part?.node) };
  } catch (error) {
    wrong(name, `does not parse: ${messageOf(error)}`);
    return undefined;
  }
}

/** Made when the first problem has to be located. */
function lazily(make: () => Locate): Locate {
  let locate: Locate | undefined;
  return (keys, part) => {
    locate ??= make();
    return locate(keys, part);
  };
}

function parseYaml(text: string): ParsedYaml {
  const { parseDocument, LineCounter } = loadYaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  return { document, lines };
}

/** The plain value. Throws where aliases unfold beyond all proportion. */
function plainValue(document: Yaml.Document, part: Part | undefined): unknown {
  if (part === undefined) return document.toJS();
  const node = document.getIn(part.node, true) as Yaml.Node | null | undefined;
  if (node === undefined || node === null) return null;
  substitute(node, part.env, loadYaml());
  return node.toJS(document);
}

/**
 * The parser recurses, and where it uses up the stack inside a regular expression, V8 ends the process: no catch helps.
 * Counts brackets in texts too, and may: no configuration has so many that stay open.
 */
function isTooDeep(text: string): boolean {
  if (INDENTED_FAR.test(text)) return true;
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Line and column of the part that `keys` lead to, or of the nearest one above it. */
function locatorOf(name: string, { document, lines }: ParsedYaml, above: readonly string[] = []): Locate {
  return (keys, part) => {
    const offset = offsetOf(document, [...above, ...keys], part);
    if (offset === undefined) return undefined;
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
}

function offsetOf(document: Yaml.Document, keys: Keys, part: 'name' | 'value'): number | undefined {
  const { isAlias, isMap, isScalar, isSeq } = loadYaml();
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const [index, key] of keys.entries()) {
    const inside = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(inside)) {
      node = inside.items[Number(key)];
    } else if (isMap(inside)) {
      const pair = inside.items.find(({ key: of }) => (isScalar(of) ? String(of.value) : undefined) === key);
      offset = startOf(pair?.key) ?? offset;
      node = pair?.value;
      if (part === 'name' && index === keys.length - 1) return offset;
    } else {
      return offset;
    }
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Yaml.Node | null | undefined)?.range?.[0];
}

function loadYaml(): typeof Yaml {
  return require('yaml') as typeof Yaml;
}
