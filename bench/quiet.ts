import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** Share of the machine that others may use while it still counts as quiet. */
export const QUIET = 0.03;

/** Share of the machine's time that others take while we wait, what a hypervisor takes included; 0..1. */
export async function busyShare(durationMs: number): Promise<number> {
  const before = times();
  await pause(durationMs);
  const after = times();
  return (after.busy - before.busy) / Math.max(1, after.all - before.all);
}

function times(): { readonly busy: number; readonly all: number } {
  try {
    // cpu user nice system idle iowait irq softirq steal, in ticks since boot.
    const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').trim().split(/\s+/);
    const values = ticks.slice(0, 8).map(Number);
    const all = values.reduce((sum, value) => sum + value, 0);
    return { busy: all - (values[3] ?? 0) - (values[4] ?? 0), all };
  } catch {
    let busy = 0;
    let all = 0;
    for (const { times: of } of os.cpus()) {
      all += of.user + of.nice + of.sys + of.irq + of.idle;
      busy += of.user + of.nice + of.sys + of.irq;
    }
    return { busy, all };
  }
}
