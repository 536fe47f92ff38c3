import {
  endsAtHead,
  endToEnd,
  type Field,
  fieldValue,
  isBodiless,
  isFieldName,
  isFieldValue,
} from '../../common/http-fields.ts';
import type { CallProgress, Substitute } from '../shared/contract.ts';
import { type Escape, escapesFor, inFieldValue } from './escaping.ts';
import type { FallbackResponseOptions } from './options.ts';
import { SOURCE_HEADER, unlessSaid } from './substitute-marks.ts';
import { type Placeholder, PlaceholderValues, parseTemplate, type Template } from './template.ts';

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';

/** Writes a body for one call. */
type BodyWriter = (values: PlaceholderValues) => string;

/** A degraded answer, ready to be filled in. */
export class DegradedResponse {
  readonly #status: number;
  readonly #fields: ReadonlyArray<readonly [name: string, value: Template]>;
  readonly #write: BodyWriter;

  /** Throws if `json` is no JSON (a cycle, a BigInt). */
  constructor(options: FallbackResponseOptions) {
    this.#status = options.status;
    const given = endToEnd(Object.entries(options.headers)).filter(([name]) => isFieldName(name));
    const own = given.filter(([name]) => name !== SOURCE_HEADER);
    const fallbackType = options.json === undefined ? TEXT_TYPE : JSON_TYPE;
    const contentType = fieldValue(own, 'content-type') ?? fallbackType;
    const fields: Field[] = [...own];
    const hasBody = (options.json !== undefined || options.body !== undefined) && !isBodiless(options.status);
    if (hasBody && fieldValue(own, 'content-type') === undefined) fields.push(['content-type', fallbackType]);
    // It looks like a real answer: no cache of the app's may take it for one.
    this.#fields = unlessSaid(fields).map(([name, value]) => [name, parseTemplate(value)]);
    this.#write = options.json === undefined ? textWriter(options.body ?? '', contentType) : jsonWriter(options.json);
  }

  answer(progress: CallProgress): Substitute {
    const values = new PlaceholderValues(progress);
    const headers = this.#fields
      .map(([name, value]): Field => [name, fill(value, values, () => inFieldValue)])
      .filter(([, value]) => isFieldValue(value));
    const mark: Field = [SOURCE_HEADER, 'degraded'];
    if (endsAtHead(this.#status)) return { status: this.#status, headers: [...headers, mark], body: new Uint8Array() };
    const body = new TextEncoder().encode(isBodiless(this.#status) ? '' : this.#write(values));
    headers.push(['content-length', String(body.byteLength)], mark);
    return { status: this.#status, headers, body: progress.call.method === 'HEAD' ? new Uint8Array() : body };
  }
}

/** A placeholder and where it stands, such as `json.id` or `headers.location`. */
export interface PlacedPlaceholder extends Placeholder {
  readonly at: string;
}

/** All placeholders of a degraded answer, so that their names can be held against the rule's URL pattern. */
export function placeholdersOf(options: FallbackResponseOptions): PlacedPlaceholder[] {
  const found: PlacedPlaceholder[] = [];
  const collect = (text: string, at: string): void => {
    for (const part of parseTemplate(text)) if (typeof part !== 'string') found.push({ ...part, at });
  };
  for (const [name, value] of Object.entries(options.headers)) collect(value, `headers.${name}`);
  if (options.json !== undefined) eachString(plainJson(options.json), 'json', collect);
  else if (options.body !== undefined) collect(options.body, 'body');
  return found;
}

function textWriter(text: string, contentType: string): BodyWriter {
  const template = parseTemplate(text);
  const escapes = escapesFor(template, contentType);
  return (values) => fill(template, values, (index) => escapes[index]);
}

/** Values are put into the tree, before it becomes text: whatever they hold stays inside its string. */
function jsonWriter(json: unknown): BodyWriter {
  const tree = plainJson(json);
  return (values) => JSON.stringify(filled(tree, values));
}

/** What JSON makes of it: dates and other objects become what they will be on the wire. */
function plainJson(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json) ?? 'null');
}

function filled(node: unknown, values: PlaceholderValues): unknown {
  if (typeof node === 'string') return fill(parseTemplate(node), values, () => undefined);
  if (Array.isArray(node)) return node.map((item) => filled(item, values));
  if (typeof node !== 'object' || node === null) return node;
  // Keys stay as they are, so that an answer always has the same shape. `fromEntries` makes own fields of all names.
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, filled(value, values)]));
}

function eachString(node: unknown, at: string, visit: (text: string, at: string) => void): void {
  if (typeof node === 'string') visit(node, at);
  else if (typeof node === 'object' && node !== null) {
    for (const [key, value] of Object.entries(node)) eachString(value, `${at}.${key}`, visit);
  }
}

/** `escapeOf` gives the escape of the placeholder at an index; undefined: as it is. */
function fill(template: Template, values: PlaceholderValues, escapeOf: (index: number) => Escape | undefined): string {
  let text = '';
  let index = 0;
  for (const part of template) {
    if (typeof part === 'string') text += part;
    else {
      const value = values.get(part);
      text += escapeOf(index)?.(value) ?? value;
      index++;
    }
  }
  return text;
}
