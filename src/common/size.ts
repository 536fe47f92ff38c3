const BYTES_PER_UNIT = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const SIZE = /^(\d{1,15}(?:\.\d{1,6})?)(KiB|MiB|GiB)$/;

/** Bytes of `64KiB`, `1MiB` or `1.5GiB`, rounded to a whole number; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * BYTES_PER_UNIT[match[2] as keyof typeof BYTES_PER_UNIT]);
}

/** The shortest form that `parseSize` reads back, or plain bytes. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes >= BYTES_PER_UNIT[unit] && bytes % BYTES_PER_UNIT[unit] === 0) {
      return `${bytes / BYTES_PER_UNIT[unit]}${unit}`;
    }
  }
  return String(bytes);
}
