import { documentOptions } from '../options/document.ts';
import type { JsonSchema } from './kind.ts';
import type { Option, OptionTable } from './option.ts';

/** The schema of the file for editors, as `config.schema.json` holds it. Draft 7 is what YAML editors know best. */
export function configJsonSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'opentelemetry-instrumentation-resilience',
    description: 'Configuration of opentelemetry-instrumentation-resilience.',
    ...mapOf(documentOptions),
  };
}

function mapOf(options: OptionTable, required: readonly string[] = []): JsonSchema {
  // Functions can be given in code only.
  const inFile = Object.entries(options).filter(([, option]) => option.form !== 'function');
  return {
    type: 'object',
    properties: Object.fromEntries(inFile.map(([name, option]) => [name, described(option)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function described(option: Option): JsonSchema {
  return {
    description: option.description,
    ...schemaOf(option),
    ...(option.default !== undefined && { default: option.default }),
  };
}

function schemaOf(option: Option): JsonSchema {
  switch (option.form) {
    case 'value':
      return option.kind.json;
    case 'section':
      return mapOf(option.options);
    case 'switch':
      return { anyOf: [{ type: 'boolean' }, { type: 'string', enum: ['on', 'off'] }, mapOf(option.options)] };
    case 'list':
      return { type: 'array', items: mapOf(option.options, option.required), maxItems: option.max };
    case 'map':
      return { type: 'object', propertyNames: option.name.json, additionalProperties: mapOf(option.options) };
    case 'function':
      return {};
  }
}
