import { ADMISSION_DEFAULTS, type AdmissionOptions } from '../../strategies/admission/options.ts';
import { durationText } from '../schema/default-text.ts';
import type { Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';

const HOUR_MS = 3_600_000;

export const admissionOptions = {
  aggressiveness: is.numeric(
    { min: 1, max: 100 },
    {
      description: 'Calls that may be made per call that is accepted before some are refused; the smaller, the sooner.',
      default: ADMISSION_DEFAULTS.aggressiveness,
    },
  ),
  window: is.duration(
    { min: 100, max: HOUR_MS },
    { description: 'How far back calls count.', default: durationText(ADMISSION_DEFAULTS.windowMs) },
  ),
  max_rejection: is.share({
    description: 'Largest share of calls that is refused: the rest shows when the upstream recovers.',
    default: ADMISSION_DEFAULTS.maxRejection,
  }),
};

export function resolveAdmission(given: Values<typeof admissionOptions> | undefined): AdmissionOptions | undefined {
  if (given === undefined) return undefined;
  return {
    aggressiveness: given.aggressiveness ?? ADMISSION_DEFAULTS.aggressiveness,
    windowMs: given.window ?? ADMISSION_DEFAULTS.windowMs,
    maxRejection: given.max_rejection ?? ADMISSION_DEFAULTS.maxRejection,
  };
}
