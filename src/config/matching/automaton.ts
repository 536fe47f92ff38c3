import type { Captures, Matcher } from './glob.ts';
import { hasCharacter, type PatternNode } from './pattern-node.ts';
import { compileProgram, type Instruction } from './program.ts';

/** Counts what a match costs. For tests. */
export interface Meter {
  steps: number;
}

/** A way of reading the text so far, and where its groups began and ended. */
interface Thread {
  readonly at: number;
  readonly saved: readonly number[];
}

const NOTHING_SAVED: readonly number[] = [];

/**
 * Matches a regular expression without ever going back: all ways of reading the text are followed at once, in the order
 * in which a backtracking matcher would try them, and at most one is kept per instruction. So the time is the length of
 * the text times that of the pattern at worst (Thompson's construction, Pike's machine; https://swtch.com/~rsc/regexp).
 * It matches what a backtracking matcher matches. Only what a group captures may differ, and only where a repeated part
 * takes as little as it can and may be empty: `(.*?)*`.
 */
export class Automaton implements Matcher {
  readonly #program: readonly Instruction[];
  readonly #names: readonly string[];
  /** Of each instruction, the step that reached it last. */
  readonly #reached: Float64Array;
  #step = 0;

  constructor(node: PatternNode) {
    const { instructions, names } = compileProgram(node);
    this.#program = instructions;
    this.#names = names;
    this.#reached = new Float64Array(instructions.length);
  }

  matches(text: string, meter?: Meter): boolean {
    return this.#run(text, false, meter) !== undefined;
  }

  capture(text: string, meter?: Meter): Captures | undefined {
    const saved = this.#run(text, true, meter);
    if (saved === undefined) return undefined;
    const captures = new Map<string, string>();
    for (const [index, name] of this.#names.entries()) {
      const [from, to] = [saved[2 * index], saved[2 * index + 1]];
      if (from !== undefined && to !== undefined) captures.set(name, text.slice(from, to));
    }
    return captures;
  }

  #run(text: string, saves: boolean, meter: Meter | undefined): readonly number[] | undefined {
    let threads = this.#follow([], { at: 0, saved: NOTHING_SAVED }, 0, saves, ++this.#step);
    for (let position = 0; position < text.length && threads.length > 0; position++) {
      const code = text.charCodeAt(position);
      const next: Thread[] = [];
      const step = ++this.#step;
      if (meter !== undefined) meter.steps += threads.length;
      for (const { at, saved } of threads) {
        const instruction = this.#program[at] as Instruction;
        if (instruction.op !== 'take' || !hasCharacter(instruction.takes, code)) continue;
        this.#follow(next, { at: at + 1, saved }, position + 1, saves, step);
      }
      threads = next;
    }
    // The first is what a backtracking matcher would have found.
    return threads.find(({ at }) => this.#program[at]?.op === 'match')?.saved;
  }

  /** Adds where the thread gets without taking a character, the preferred ways first. */
  #follow(into: Thread[], start: Thread, position: number, saves: boolean, step: number): Thread[] {
    const stack = [start];
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      const { at, saved } = thread;
      if (this.#reached[at] === step) continue;
      this.#reached[at] = step;
      const instruction = this.#program[at] as Instruction;
      if (instruction.op === 'go') {
        stack.push({ at: instruction.to, saved });
      } else if (instruction.op === 'fork') {
        stack.push({ at: instruction.second, saved }, { at: instruction.first, saved });
      } else if (instruction.op === 'save') {
        stack.push({ at: at + 1, saved: saves ? withSlot(saved, instruction.slot, position) : saved });
      } else {
        into.push(thread);
      }
    }
    return into;
  }
}

function withSlot(saved: readonly number[], slot: number, position: number): readonly number[] {
  const copy = [...saved];
  copy[slot] = position;
  return copy;
}
