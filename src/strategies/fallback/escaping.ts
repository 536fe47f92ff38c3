import type { Template } from './template.ts';

/** How a value is written into a text of some kind, so that it stays a value whatever it holds. */
export type Escape = (value: string) => string;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Within the quotes of a JSON string. */
export const inJsonString: Escape = (value) => JSON.stringify(value).slice(1, -1);

const asJsonString: Escape = (value) => JSON.stringify(value);
const inMarkup: Escape = (value) => value.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
const inForm: Escape = (value) => encodeURIComponent(wellFormed(value));
const asIs: Escape = (value) => value;

/** In a field value: no control character, no line end, ASCII only. */
export const inFieldValue: Escape = (value) => wellFormed(value).replace(/[^\x20-\x7e]+/g, encodeURIComponent);

/** How each placeholder of a body is escaped, in order, by what the body is. */
export function escapesFor(template: Template, contentType: string): Escape[] {
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  if (/json|javascript/.test(type)) return jsonEscapes(template);
  const placeholders = template.filter((part) => typeof part !== 'string');
  return placeholders.map(() => escapeIn(type));
}

function escapeIn(type: string): Escape {
  if (/html|xml/.test(type)) return inMarkup;
  return type.trim() === 'application/x-www-form-urlencoded' ? inForm : asIs;
}

/** Between quotes a value is part of that string; elsewhere it becomes a string of its own, never syntax. */
function jsonEscapes(template: Template): Escape[] {
  const escapes: Escape[] = [];
  let quoted = false;
  for (const part of template) {
    if (typeof part !== 'string') escapes.push(quoted ? inJsonString : asJsonString);
    else if ((part.replace(/\\./gs, '').split('"').length - 1) % 2 === 1) quoted = !quoted;
  }
  return escapes;
}

/** Halves of a surrogate pair have no encoding. */
function wellFormed(value: string): string {
  return value.replace(/\p{Surrogate}/gu, '\ufffd');
}
