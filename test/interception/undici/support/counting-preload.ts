import { onRequire } from '../../../../src/interception/module-hook.ts';
import { patchUndici } from '../../../../src/interception/undici/patch-undici.ts';

/** For child processes: counts the calls the adapter asks the engine about, and says at the end of which hosts. */
const slots = ['1', '2'].map((n) => Symbol.for(`undici.globalDispatcher.${n}`));
const hosts: string[] = [];
const errors: string[] = [];

const apply = (): (() => void) =>
  patchUndici({
    engine: {
      route(_protocol, host, port) {
        hosts.push(`${host}:${port}`);
        return undefined;
      },
      open(): never {
        throw new Error('never routed');
      },
    },
    bypass: () => false,
    report: (error) => errors.push(String(error)),
    onRequire,
  });

const before = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
if (process.env.PATCH_LATE === undefined) apply();
else Object.defineProperty(globalThis, Symbol.for('test.patchLate'), { value: apply });
const after = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
const loadedByUs = slots.some((slot) => slot in globalThis);

process.on('exit', () => {
  const now = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  const shape = (d: PropertyDescriptor | undefined): unknown[] => [
    d?.value?.name,
    d?.value?.length,
    Object.getOwnPropertyNames(d?.value).sort(),
    d?.enumerable,
    d?.writable,
    d?.configurable,
  ];
  const report = {
    // Agents, pools and clients ask each, as long as a call has no pipeline: what counts is that they ask at all.
    hosts: [...new Set(hosts)],
    errors,
    loadedByUs,
    sameShape: JSON.stringify(shape(before)) === JSON.stringify(shape(after)),
    sameFunction: now?.value === after?.value,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
});
