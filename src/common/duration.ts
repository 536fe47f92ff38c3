const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h)$/;

/** Milliseconds of `250ms`, `3s`, `1.5m` or `1h`, rounded to a whole number; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT]);
}

/** The shortest form that `parseDuration` reads back: `3s` rather than `3000ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms >= MS_PER_UNIT[unit] && ms % MS_PER_UNIT[unit] === 0) return `${ms / MS_PER_UNIT[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** For people: `600 ms`, `9.8 s`, `113 s`. */
export function readableDuration(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole < MS_PER_UNIT.s) return `${whole} ms`;
  const seconds = whole / MS_PER_UNIT.s;
  return `${seconds < 100 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
}
