import fs from 'node:fs';
import path from 'node:path';
import type * as Yaml from 'yaml';
import { type Problems, show } from './problem.ts';
import { type Environment, PREFIX, variable } from './settings.ts';
import { substitute } from './substitution.ts';

/** Reads a file as text; throws what a reader of the log should know. */
export type ReadFile = (path: string) => string;

export type ConfigFile =
  /** None was asked for, or it says nothing of us. */
  | { readonly kind: 'none' }
  | { readonly kind: 'document'; readonly value: unknown }
  /** One was asked for and cannot be used: nobody knows what the operator meant. */
  | { readonly kind: 'unusable' };

const MAX_BYTES = 1024 ** 2;
const MAX_DEPTH = 100;
const INDENTED_FAR = /^[ \t\-?:]{400}/m; // `- - -` and `? ? ?` nest without a line break
const OWN = `${PREFIX}CONFIG_FILE`;
const DECLARATIVE = 'OTEL_CONFIG_FILE';
const NODE = ['instrumentation/development', 'js', 'resilience'] as const;

/** Our own file, else our node of OpenTelemetry's declarative file: whoever writes an own file means that one alone. */
export function readConfigFile(env: Environment, readFile: ReadFile, problems: Problems): ConfigFile {
  const own = variable(env, OWN);
  if (own !== undefined) return readOwnFile(own, readFile, problems);
  const declarative = variable(env, DECLARATIVE);
  return declarative === undefined ? { kind: 'none' } : readDeclarativeFile(declarative, env, readFile, problems);
}

function readOwnFile(name: string, readFile: ReadFile, problems: Problems): ConfigFile {
  const text = readText(OWN, name, readFile, problems);
  if (text === undefined) return { kind: 'unusable' };
  if (text.trim() === '') {
    problems.add({ path: name, message: 'the file is empty', source: 'file' });
    return { kind: 'unusable' };
  }
  const document = parse(name, text, problems);
  if (document === undefined) return { kind: 'unusable' };
  const value = toValue(name, document, problems);
  if (value === undefined) return { kind: 'unusable' };
  if (value.data === null) return { kind: 'none' }; // nothing but comments
  return asDocument(name, value.data, problems);
}

/**
 * The declarative file is the SDK's: it complains of most that is wrong in it, and it is no sign of a configuration for
 * us that could not be read. Only a file that speaks of us and does not parse leaves us without what was meant.
 */
function readDeclarativeFile(name: string, env: Environment, readFile: ReadFile, problems: Problems): ConfigFile {
  const text = readText(DECLARATIVE, name, readFile, problems);
  if (text === undefined || !text.includes(NODE[2])) return { kind: 'none' };
  const document = parse(name, text, problems);
  if (document === undefined) return { kind: 'unusable' };
  const node = document.getIn(NODE, true);
  if (node === undefined || node === null) return { kind: 'none' };
  substitute(node as Yaml.Node, env, loadYaml());
  const value = toValue(name, document, problems, node as Yaml.Node);
  if (value === undefined) return { kind: 'unusable' };
  return value.data === null ? { kind: 'none' } : asDocument(`${name} ${NODE.join('.')}`, value.data, problems);
}

function asDocument(name: string, value: unknown, problems: Problems): ConfigFile {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { kind: 'document', value };
  problems.add({ path: name, message: `expected a map of options, got ${show(value)}`, source: 'file' });
  return { kind: 'unusable' };
}

function readText(named: string, name: string, readFile: ReadFile, problems: Problems): string | undefined {
  try {
    return readFile(path.resolve(name)).replace(/^\uFEFF/, '');
  } catch (error) {
    problems.add({ path: name, message: `the file of ${named} cannot be read: ${messageOf(error)}`, source: 'file' });
    return undefined;
  }
}

/** YAML 1.2, of which JSON is a part, so that duplicate keys and the line of a mistake are known in both. */
function parse(name: string, text: string, problems: Problems): Yaml.Document | undefined {
  if (isTooDeep(text)) {
    problems.add({ path: name, message: `nested deeper than ${MAX_DEPTH}`, source: 'file' });
    return undefined;
  }
  try {
    const { parseDocument, LineCounter } = loadYaml();
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    for (const { pos, message } of document.errors.slice(0, 10)) {
      const at = `${name}:${lines.linePos(pos[0]).line}`;
      problems.add({ path: at, message: `does not parse: ${message}`, source: 'file' });
    }
    return document.errors.length > 0 ? undefined : document;
  } catch (error) {
    problems.add({ path: name, message: `does not parse: ${messageOf(error)}`, source: 'file' });
    return undefined;
  }
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

/** The plain value. Fails where aliases unfold beyond all proportion. */
function toValue(
  name: string,
  document: Yaml.Document,
  problems: Problems,
  node?: Yaml.Node,
): { readonly data: unknown } | undefined {
  try {
    const data: unknown = node === undefined ? document.toJS() : node.toJS(document);
    return { data: data ?? null };
  } catch (error) {
    problems.add({ path: name, message: `does not parse: ${messageOf(error)}`, source: 'file' });
    return undefined;
  }
}

/** Loaded where a file has to be parsed and nowhere else: it takes longer to load than all of ours. */
function loadYaml(): typeof Yaml {
  return require('yaml') as typeof Yaml;
}

/** Reads no more than a configuration can have, and nothing that could block (a pipe) or never end (a device). */
export function readConfigText(file: string): string {
  const stats = fs.statSync(file);
  if (!stats.isFile()) throw new TypeError('it is not a regular file');
  if (stats.size > MAX_BYTES) throw new RangeError(`it has ${stats.size} bytes, the most is ${MAX_BYTES}`);
  return fs.readFileSync(file, 'utf8');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : show(error);
}
