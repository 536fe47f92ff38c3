import { configJsonSchema } from '../config/schema/json-schema.ts';
import { EXIT, type Invocation } from './command.ts';

/** Prints the JSON Schema of the configuration file. */
export function schema({ terminal }: Invocation): number {
  terminal.out(JSON.stringify(configJsonSchema(), undefined, 2));
  return EXIT.ok;
}
