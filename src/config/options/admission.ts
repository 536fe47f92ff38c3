import { ADMISSION_DEFAULTS, type AdmissionOptions } from '../../strategies/admission/options.ts';
import { durationText } from '../schema/default-text.ts';
import type { Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';

const HOUR_MS = 3_600_000;

export const admissionOptions = {
  aggressiveness: is.numeric(
    { min: 1.1, max: 100 },
    {
      description: 'Calls allowed for each that the upstream accepts, before any is refused: the lower, the stricter.',
      default: ADMISSION_DEFAULTS.aggressiveness,
    },
  ),
  window: is.duration(
    { min: 1_000, max: HOUR_MS },
    { description: 'How far back calls count.', default: durationText(ADMISSION_DEFAULTS.windowMs) },
  ),
  max_rejection: is.numeric(
    { min: 0, max: 1 },
    {
      description: 'The largest share of the calls that is refused; the rest shows when the upstream recovers.',
      default: ADMISSION_DEFAULTS.maxRejection,
    },
  ),
};

export function resolveAdmission(given: Values<typeof admissionOptions> | undefined): AdmissionOptions | undefined {
  if (given === undefined) return undefined;
  return {
    aggressiveness: given.aggressiveness ?? ADMISSION_DEFAULTS.aggressiveness,
    windowMs: given.window ?? ADMISSION_DEFAULTS.windowMs,
    maxRejection: given.max_rejection ?? ADMISSION_DEFAULTS.maxRejection,
  };
}
