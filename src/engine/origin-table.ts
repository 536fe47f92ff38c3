import { defaultPort, formatAuthority, normalizeHost } from '../common/authority.ts';
import type { Origin, OriginRules, Rules } from '../strategies/shared/policy.ts';
import type { Pipeline } from './pipeline.ts';

/** An origin calls have gone to, and what was found out about it. */
export interface KnownOrigin {
  readonly origin: Origin;
  readonly rules: OriginRules;
  /** The pipeline of `rules.fixed`, once made. */
  pipeline: Pipeline | undefined;
}

/** `host` as an app gave it, to the origin it means. Port 0 stands for the protocol's default. */
export function toOrigin(protocol: string, host: string, port: number): Origin {
  if (host.startsWith('/') || host.startsWith('\\\\')) {
    return { protocol, host, port: 0, name: `unix:${host}` };
  }
  const bare = normalizeHost(host);
  const actual = port === 0 ? (defaultPort(protocol) ?? 0) : port;
  return { protocol, host: bare, port: actual, name: `${protocol}//${formatAuthority(protocol, bare, actual)}` };
}

/** A host as a client spells it, with one of its ports. */
interface Spelling {
  /** Port and protocol in one number. */
  readonly slot: number;
  readonly known: KnownOrigin;
  /** Its other ports, once it has some: most hosts have one, and a map for it would be most of an entry's memory. */
  others: Map<number, KnownOrigin> | undefined;
}

/**
 * Looks origins up by the very strings a client uses, so that the path of every call is two map look-ups without
 * building a key. Spellings of one origin share one entry. Bounded: cleared when it has grown past `max` spellings,
 * since an entry is only a memo.
 */
export class OriginTable {
  readonly #rules: Rules;
  readonly #max: number;
  /** By host. */
  readonly #spellings = new Map<string, Spelling>();
  readonly #origins = new Map<string, KnownOrigin>();
  #size = 0;

  constructor(rules: Rules, max: number) {
    this.#rules = rules;
    this.#max = max;
  }

  lookup(protocol: string, host: string, port: number): KnownOrigin {
    const slot = protocol === 'https:' ? -1 - port : port;
    const spelling = this.#spellings.get(host);
    if (spelling?.slot === slot) return spelling.known;
    return spelling?.others?.get(slot) ?? this.#learn(protocol, host, port, slot);
  }

  #learn(protocol: string, host: string, port: number, slot: number): KnownOrigin {
    if (this.#size >= this.#max) {
      this.#spellings.clear();
      this.#origins.clear();
      this.#size = 0;
    }
    const origin = toOrigin(protocol, host, port);
    let known = this.#origins.get(origin.name);
    if (known === undefined) {
      known = { origin, rules: this.#rules.forOrigin(origin), pipeline: undefined };
      this.#origins.set(origin.name, known);
    }
    const spelling = this.#spellings.get(host);
    if (spelling === undefined) {
      this.#spellings.set(host, { slot, known, others: undefined });
    } else {
      spelling.others ??= new Map();
      spelling.others.set(slot, known);
    }
    this.#size++;
    return known;
  }
}
