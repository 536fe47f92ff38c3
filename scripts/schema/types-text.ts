import { documentOptions } from '../../src/config/options/document.ts';
import type { Option, OptionTable } from '../../src/config/schema/option.ts';
import { camelCase } from '../../src/config/spelling.ts';
import { defaultText, takes } from './describe.ts';

const HEAD = `// Generated from the tables in src/config/options by \`npm run schema\`. Do not edit.

import type { FallbackHandler } from '../strategies/fallback/options.ts';

/** Milliseconds, or a text such as \`250ms\`, \`3s\`, \`1.5m\`, \`1h\`. */
export type Duration = number | string;

/** A duration, or \`p50\` to \`p99\`: what that share of the upstream's response heads came within. */
export type HedgeDelay = Duration;

/** Bytes, or a text such as \`64KiB\`, \`1MiB\`. */
export type Size = number | string;

/** A status code, or a range such as \`500-599\`. */
export type Status = number | string;

/** True or \`{}\`: with its defaults. False or \`off\`: not at all. */
export type Switch<Options> = Options | boolean | 'on' | 'off';

/** False or \`off\`: none. */
export type OrOff<Value> = Value | false | 'off';
`;

const ENABLED: Option = {
  form: 'value',
  description: 'False: nothing is patched. `OTEL_RESILIENCE_ENABLED=false` has the same effect whatever is said here.',
  default: true,
  kind: { parse: () => undefined, expects: '', brief: 'true or false', json: {}, type: 'boolean', text: 'scalar' },
};

const DOC_WIDTH = 112;

/** The types of the options in code, with what the schema knows of each option. */
export function typesText(): string {
  const interfaces = interfacesOf(
    'Resilience',
    { enabled: ENABLED, ...documentOptions },
    'The configuration in code: the options of the file with their names in camelCase, and values in the same forms.',
  );
  return [HEAD, ...interfaces].join('\n');
}

function interfacesOf(name: string, options: OptionTable, description: string, required: readonly string[] = []) {
  const isNested = name !== 'Resilience' && name !== 'Policy';
  const nested: string[] = [];
  const members = Object.entries(options).map(([key, option]) => {
    const inner = isNested ? name + pascalCase(key) : interfaceName(key);
    if ('options' in option) {
      const needed = option.form === 'list' ? option.required : [];
      const words = option.form === 'list' || option.form === 'map' ? option.each : option.description;
      nested.push(...interfacesOf(inner, option.options, words, needed));
    }
    const type = typeOf(option, `${inner}Config`);
    const member = required.includes(key) ? `: ${type}` : `?: ${type} | undefined`;
    return `${docComment(optionWords(option), '  ')}  readonly ${camelCase(key)}${member};\n`;
  });
  return [`${docComment(description, '')}export interface ${name}Config {\n${members.join('')}}\n`, ...nested];
}

/** Of a list or a map the name of one item. */
function interfaceName(key: string): string {
  if (key === 'policies') return 'Policy';
  return key === 'rules' ? 'Rule' : pascalCase(key);
}

function typeOf(option: Option, inner: string): string {
  switch (option.form) {
    case 'value':
      return option.kind.type;
    case 'section':
      return inner;
    case 'switch':
      return `Switch<${inner}>`;
    case 'list':
      return `readonly ${inner}[]`;
    case 'map':
      return `Readonly<Record<string, ${inner}>>`;
    case 'function':
      return option.type;
  }
}

function optionWords(option: Option): string {
  const isPlain = option.form === 'value' && !option.kind.type.startsWith("'") && option.kind.type !== 'boolean';
  const otherwise = defaultText(option);
  const words = [option.description];
  if (isPlain) words.push(`${capital(takes(option))}.`);
  if (option.onlyWith !== undefined) words.push(`Only with \`${option.onlyWith.option}: ${option.onlyWith.value}\`.`);
  if (otherwise !== undefined) words.push(`Default: ${otherwise}.`);
  return words.join(' ');
}

function docComment(text: string, indent: string): string {
  if (text.length + indent.length + 7 <= DOC_WIDTH) return `${indent}/** ${text} */\n`;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line !== '' && line.length + word.length + 1 > DOC_WIDTH - indent.length - 3) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`;
}

function pascalCase(name: string): string {
  return capital(camelCase(name));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
