export { endpoints } from './endpoint.ts';
export { hedgeDelay, idempotentMethods } from './hedging.ts';
export { errorCodes, headerNames, methods, statuses } from './lists.ts';
export { count, countOrOff, DAY_MS, duration, durationOrOff, MANY, numeric, ratio, share, size } from './numbers.ts';
export { anyJson, choice, flag, headerNameOrOff, headers, label, text, textKind } from './texts.ts';
