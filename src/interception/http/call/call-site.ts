import type { PatchedModule } from '../patch/patched-module.ts';
import type { Protocol } from './call-target.ts';

/** Where a call was made, and how its attempts are. */
export interface CallSite {
  readonly module: PatchedModule;
  readonly modules: Readonly<Record<Protocol, PatchedModule>>;
  readonly args: readonly unknown[];
  /** How many of the wrappers below us the first attempt goes through. */
  readonly layers: number;
  readonly maxReplayBytes: number;
  report(error: unknown): void;
}
