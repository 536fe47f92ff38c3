import { VERDICT_DEFAULTS, type VerdictOptions } from '../../strategies/verdict/options.ts';
import { statusesText } from '../schema/default-text.ts';
import { section, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';

export const failureOptions = {
  statuses: is.statuses({
    description: 'Statuses that are failures.',
    default: statusesText(VERDICT_DEFAULTS.statuses),
  }),
  except: is.statuses({
    description: 'Statuses among them that are not failures.',
    default: statusesText(VERDICT_DEFAULTS.except),
  }),
  codes: is.errorCodes({ description: 'Error codes that are failures besides the known ones.', default: [] }),
  ignore: section(
    {
      statuses: is.statuses({
        description: 'Statuses that count neither way.',
        default: statusesText(VERDICT_DEFAULTS.ignore.statuses),
      }),
      codes: is.errorCodes({ description: 'Error codes that count neither way.', default: [] }),
    },
    { description: 'Outcomes that say nothing about the upstream.' },
  ),
};

export function resolveVerdict(given: Values<typeof failureOptions>): VerdictOptions {
  return {
    statuses: given.statuses ?? VERDICT_DEFAULTS.statuses,
    except: given.except ?? VERDICT_DEFAULTS.except,
    codes: given.codes ?? VERDICT_DEFAULTS.codes,
    ignore: {
      statuses: given.ignore?.statuses ?? VERDICT_DEFAULTS.ignore.statuses,
      codes: given.ignore?.codes ?? VERDICT_DEFAULTS.ignore.codes,
    },
  };
}
