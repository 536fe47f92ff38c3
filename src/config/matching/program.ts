import type { CharacterSet, PatternNode } from './pattern-node.ts';

/** One step of reading a text. What stands next is tried next, unless it says otherwise. */
export type Instruction =
  | { readonly op: 'take'; readonly takes: CharacterSet }
  /** Both ways; the first is preferred. */
  | Fork
  | Go
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' };

interface Fork {
  readonly op: 'fork';
  first: number;
  second: number;
}

interface Go {
  readonly op: 'go';
  to: number;
}

export interface Program {
  readonly instructions: readonly Instruction[];
  /** Group n is saved in the slots 2n (its start) and 2n + 1 (its end). */
  readonly names: readonly string[];
}

/** Longer ones come of quantifiers inside quantifiers. */
const MAX_INSTRUCTIONS = 5_000;

/** Throws where the program would become too long. */
export function compileProgram(node: PatternNode): Program {
  return new Compiler().compile(node);
}

class Compiler {
  readonly #instructions: Instruction[] = [];
  readonly #names: string[] = [];

  compile(node: PatternNode): Program {
    this.#node(node);
    this.#emit({ op: 'match' });
    return { instructions: this.#instructions, names: this.#names };
  }

  #node(node: PatternNode): void {
    switch (node.kind) {
      case 'characters':
        this.#emit({ op: 'take', takes: node.takes });
        return;
      case 'sequence':
        for (const part of node.nodes) this.#node(part);
        return;
      case 'choice':
        this.#choice(node.nodes);
        return;
      case 'repeat':
        this.#repeat(node);
        return;
      case 'capture': {
        const slot = 2 * (this.#names.push(node.name) - 1);
        this.#emit({ op: 'save', slot });
        this.#node(node.node);
        this.#emit({ op: 'save', slot: slot + 1 });
      }
    }
  }

  #choice(nodes: readonly PatternNode[]): void {
    const exits: Go[] = [];
    for (const [index, node] of nodes.entries()) {
      const fork = index < nodes.length - 1 ? this.#fork() : undefined;
      this.#node(node);
      if (fork === undefined) continue;
      exits.push(this.#emit({ op: 'go', to: -1 }));
      fork.second = this.#instructions.length;
    }
    for (const exit of exits) exit.to = this.#instructions.length;
  }

  #repeat({ node, min, max, greedy }: Extract<PatternNode, { kind: 'repeat' }>): void {
    for (let count = 0; count < min; count++) this.#node(node);
    const forks: Fork[] = [];
    if (max === Infinity) {
      const start = this.#instructions.length;
      forks.push(this.#fork());
      this.#node(node);
      this.#emit({ op: 'go', to: start });
    }
    for (let count = min; max !== Infinity && count < max; count++) {
      forks.push(this.#fork());
      this.#node(node);
    }
    for (const fork of forks) {
      fork.second = this.#instructions.length;
      if (!greedy) [fork.first, fork.second] = [fork.second, fork.first];
    }
  }

  /** Its second way is filled in when it is known. */
  #fork(): Fork {
    return this.#emit({ op: 'fork', first: this.#instructions.length + 1, second: -1 });
  }

  #emit<I extends Instruction>(instruction: I): I {
    if (this.#instructions.length >= MAX_INSTRUCTIONS) {
      throw new TypeError('it is too long once its quantifiers are counted out');
    }
    this.#instructions.push(instruction);
    return instruction;
  }
}
