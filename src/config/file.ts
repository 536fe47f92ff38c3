import fs from 'node:fs';
import path from 'node:path';
import { readDocument } from './document-text.ts';
import { type Locate, messageOf, type Problems, show } from './problem.ts';
import { type Environment, PREFIX, variable } from './settings.ts';

/** Reads a file as text; throws what a reader of the log should know. */
export type ReadFile = (path: string) => string;

export type ConfigFile =
  /** None was asked for, or it says nothing of us. */
  | { readonly kind: 'none' }
  | { readonly kind: 'document'; readonly value: unknown; readonly locate: Locate }
  /** One was asked for and cannot be used: nobody knows what the operator meant. */
  | { readonly kind: 'unusable' };

const MAX_BYTES = 1024 ** 2;
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

const UNUSABLE: ConfigFile = { kind: 'unusable' };
const DEFAULT_OFF = { kind: 'default_off' } as const;

function readOwnFile(name: string, readFile: ReadFile, problems: Problems): ConfigFile {
  const text = readText(OWN, name, readFile, problems);
  if (text === undefined) return UNUSABLE;
  if (text.trim() === '') {
    problems.add({ path: name, message: 'the file is empty', source: 'file' }, DEFAULT_OFF);
    return UNUSABLE;
  }
  const document = readDocument(name, text, problems);
  if (document === undefined) return UNUSABLE;
  if (document.value === null) return { kind: 'none' }; // nothing but comments
  return asDocument(name, document.value, document.locate, problems);
}

/**
 * The declarative file is the SDK's: it complains of most that is wrong in it, and it is no sign of a configuration for
 * us that could not be read. Only a file that speaks of us and does not parse leaves us without what was meant.
 */
function readDeclarativeFile(name: string, env: Environment, readFile: ReadFile, problems: Problems): ConfigFile {
  const text = readText(DECLARATIVE, name, readFile, problems);
  if (text === undefined || !text.includes(NODE[2])) return { kind: 'none' };
  const document = readDocument(name, text, problems, { node: NODE, env });
  if (document === undefined) return UNUSABLE;
  if (document.value === null) return { kind: 'none' };
  return asDocument(`${name} ${NODE.join('.')}`, document.value, document.locate, problems);
}

function asDocument(name: string, value: unknown, locate: Locate, problems: Problems): ConfigFile {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { kind: 'document', value, locate };
  const message = `expected a map of options, got ${show(value)}`;
  problems.add({ path: name, message, source: 'file' }, DEFAULT_OFF);
  return UNUSABLE;
}

function readText(named: string, name: string, readFile: ReadFile, problems: Problems): string | undefined {
  try {
    return readFile(path.resolve(name)).replace(/^\uFEFF/, '');
  } catch (error) {
    const message = `the file of ${named} cannot be read: ${messageOf(error)}`;
    problems.add({ path: name, message, source: 'file' }, named === OWN ? DEFAULT_OFF : { kind: 'ignored' });
    return undefined;
  }
}

/** Reads no more than a configuration can have, and nothing that could block (a pipe) or never end (a device). */
export function readConfigText(file: string): string {
  const stats = fs.statSync(file);
  if (!stats.isFile()) throw new TypeError('it is not a regular file');
  if (stats.size > MAX_BYTES) throw new RangeError(`it has ${stats.size} bytes, the most is ${MAX_BYTES}`);
  return fs.readFileSync(file, 'utf8');
}
