export type ConnectionState = 'connecting' | 'live' | 'lost' | 'token_needed';

export interface ConnectionOptions {
  readonly token: () => string | undefined;
  /** Resolves when there is a token to try. */
  readonly askToken: () => Promise<void>;
  readonly state: (state: ConnectionState, retryMs: number) => void;
  readonly message: (event: string, data: unknown) => void;
}

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5_000;
/** Samples come every second, so that silence for so long is a connection lost without a word. */
const SILENCE_MS = 10_000;

/** Listens to `/events`. By `fetch`, as an `EventSource` cannot send a token. */
export class Connection {
  readonly #options: ConnectionOptions;
  #retryMs = FIRST_RETRY_MS;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  async run(): Promise<never> {
    for (;;) {
      const state = await this.#listen().catch((): ConnectionState => 'lost');
      this.#options.state(state, this.#retryMs);
      if (state === 'token_needed') {
        await this.#options.askToken();
        continue;
      }
      await new Promise((resolve) => setTimeout(resolve, this.#retryMs));
      this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
    }
  }

  /** Until the stream ends; says what to make of it. */
  async #listen(): Promise<ConnectionState> {
    const aborter = new AbortController();
    let silence = setTimeout(() => aborter.abort(), SILENCE_MS);
    try {
      const token = this.#options.token();
      const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch('/events', { headers, cache: 'no-store', signal: aborter.signal });
      if (response.status === 401) return 'token_needed';
      if (!response.ok || response.body === null) return 'lost';
      this.#retryMs = FIRST_RETRY_MS;
      this.#options.state('live', 0);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 'lost';
        clearTimeout(silence);
        silence = setTimeout(() => aborter.abort(), SILENCE_MS);
        text = this.#take(text + value);
      }
    } finally {
      clearTimeout(silence);
      aborter.abort();
    }
  }

  /** Hands over the events that are complete; gives back the rest. */
  #take(text: string): string {
    const blocks = text.split('\n\n');
    const rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== undefined && data !== undefined) this.#options.message(event, JSON.parse(data));
    }
    return rest;
  }
}
