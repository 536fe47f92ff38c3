import { API_REGISTRY_KEY, type ApiRegistry, apiRegistry } from '../telemetry/api-registry.ts';
import { registeringApiVersion } from './registering-api.ts';

/** What an SDK registers with the API. A propagator alone makes no SDK; its place is free for the app all the same. */
const SLOTS = ['trace', 'metrics', 'context', 'logs', 'propagation'] as const;
type Slot = (typeof SLOTS)[number];
type Registry = { -readonly [K in keyof ApiRegistry]: ApiRegistry[K] };

/**
 * Lets another SDK register as if ours were not there. The API refuses a second registration of anything, so the global
 * registry, which all copies of the API share, is put behind accessors: readers find ours, while a registration finds its
 * place free.
 *
 * The two are told apart by what every copy of the API does. Only a registration writes the registry back to its global
 * key (`api = global[key] = global[key] ?? {...}`). It then looks whether the place is taken, whether the version is its
 * own, and writes. `diag.setLogger`, which may replace, does not look first.
 *
 * `onTaken` runs once, synchronously, before the other SDK is in its place. From then on the registry is as the API would
 * have made it.
 */
export function yieldRegistry(onTaken: () => void): void {
  const registry = apiRegistry();
  if (registry !== undefined) new ProvisionalRegistry(registry, onTaken).install();
}

class ProvisionalRegistry {
  /** A registry of our own: in the API's the version cannot be changed. */
  readonly #registry: Registry = {};
  readonly #onTaken: () => void;
  readonly #ownVersion: string | undefined;
  /** Set from the write of a registration until it has looked at its place. */
  #registering: { readonly version: string | undefined } | undefined;
  /** What the registration under way is told for the version, once. */
  #answer: string | undefined;

  constructor({ version, ...others }: Registry, onTaken: () => void) {
    Object.assign(this.#registry, others);
    this.#onTaken = onTaken;
    this.#ownVersion = version;
  }

  install(): void {
    Object.defineProperty(globalThis, API_REGISTRY_KEY, {
      configurable: true,
      enumerable: true,
      get: () => this.#registry,
      set: (value: unknown) => {
        if (value === this.#registry) this.#registering = { version: registeringApiVersion() };
        // Somebody puts a registry of their own in its place, as test runners do.
        else this.#handOver(value);
      },
    });
    this.#define('version', () => this.#version());
    for (const slot of SLOTS) {
      const ours = this.#registry[slot];
      this.#define(slot, () => (this.#registering === undefined ? ours : this.#take(slot)));
    }
  }

  #define(key: Slot | 'version', get: () => unknown): void {
    const set = (value: unknown): void => setValue(this.#registry, key, value);
    Object.defineProperty(this.#registry, key, { configurable: true, enumerable: true, get, set });
  }

  /** A registration looks whether the place is free. It is. */
  #take(slot: Slot): undefined {
    const version = this.#registering?.version;
    this.#registering = undefined;
    delete this.#registry[slot];
    if (slot === 'propagation') this.#answer = version;
    else this.#handOver(this.#registry, version);
    return undefined;
  }

  #version(): string | undefined {
    const registering = this.#registering;
    const answer = this.#answer ?? registering?.version ?? this.#ownVersion;
    this.#answer = undefined;
    this.#registering = undefined;
    // A registration that looked at no place of ours: a logger for `diag`, or a place that the app has emptied itself.
    const emptied = SLOTS.some((slot) => !Object.hasOwn(this.#registry, slot));
    if (registering !== undefined && emptied) this.#handOver(this.#registry, registering.version);
    return answer;
  }

  /** Leaves the registry as the API keeps it, without us. */
  #handOver(registry: unknown, version?: string): void {
    for (const slot of SLOTS) {
      if (Object.getOwnPropertyDescriptor(this.#registry, slot)?.get !== undefined) delete this.#registry[slot];
    }
    setValue(this.#registry, 'version', version ?? this.#ownVersion);
    setValue(globalThis, API_REGISTRY_KEY, registry);
    this.#onTaken();
  }
}

function setValue(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
}
