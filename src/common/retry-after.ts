const DIGITS = /^\d+$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The three forms of RFC 9110 §5.6.7, all of which a recipient must accept. `Date.parse` takes far more than those. */
const HTTP_DATES = [
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]+day, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

/**
 * Milliseconds that a `Retry-After` (RFC 9110 §10.2.3) asks for: 0 for a date in the past, undefined for what is neither
 * seconds nor a date. Dates are of the wall clock, so that is what `wallClockMs` (since 1970) has to be.
 */
export function parseRetryAfter(value: string | undefined, wallClockMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (DIGITS.test(text)) return Number(text) * 1_000;
  const dateMs = parseHttpDate(text, wallClockMs);
  return dateMs === undefined ? undefined : Math.max(0, dateMs - wallClockMs);
}

function parseHttpDate(text: string, wallClockMs: number): number | undefined {
  for (const form of HTTP_DATES) {
    const fields = form.exec(text)?.groups;
    if (fields !== undefined) return dateOf(fields, wallClockMs);
  }
  return undefined;
}

function dateOf(fields: Readonly<Record<string, string>>, wallClockMs: number): number | undefined {
  const { day, month, year, time } = fields;
  const [hours = 0, minutes = 0, seconds = 0] = (time ?? '').split(':').map(Number);
  const date = new Date(Date.UTC(yearOf(year ?? '', wallClockMs), MONTHS.indexOf(month ?? ''), Number(day)));
  // Date.UTC makes the 2nd of March of a 30th of February.
  if (MONTHS[date.getUTCMonth()] !== month || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  return date.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

/** Two digits that seem more than 50 years ahead are of the past (RFC 9110 §5.6.7). */
function yearOf(digits: string, wallClockMs: number): number {
  const year = Number(digits);
  if (digits.length === 4) return year;
  const thisYear = new Date(wallClockMs).getUTCFullYear();
  const candidate = thisYear - (thisYear % 100) + year;
  return candidate > thisYear + 50 ? candidate - 100 : candidate;
}
