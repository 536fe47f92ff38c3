import { z } from 'zod';
import { documentSchema } from './document.ts';
import { findMeta } from './option.ts';

/** The schema of the file for editors, as `config.schema.json` holds it. Draft 7 is what YAML editors know best. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(documentSchema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      // zod drops the defaults of what it transforms; these are written in the form that goes in.
      const meta = findMeta(zodSchema);
      if (meta?.default !== undefined) jsonSchema.default = meta.default as NonNullable<typeof jsonSchema.default>;
      const { properties } = jsonSchema;
      for (const name of Object.keys(properties ?? {})) {
        if (isFunction(zodSchema, name)) delete properties?.[name];
      }
      // Told apart when they are missing, so that the rest of a rule can be judged too.
      if (properties !== undefined && 'match' in properties) jsonSchema.required = ['match', 'policy'];
    },
  });
  return {
    $schema,
    title: 'opentelemetry-instrumentation-resilience',
    ...schema,
  };
}

/** Functions can be given in code only. */
function isFunction(schema: object, property: string): boolean {
  const option = schema instanceof z.ZodObject ? (schema.shape as Record<string, object>)[property] : undefined;
  return option !== undefined && findMeta(option)?.form.kind === 'function';
}
