import http from 'node:http';

/** Calls of the app to its upstream, as the app has told its visitors. */
export interface Tally {
  answered: number;
  failed: number;
  rejected: number;
}

const PAUSE_MS = 100;
const CALLS_PER_PAGE = 2;

/** Asks the app for a page ten times a second, and notes what became of the calls that the app made for it. */
export class Visitors {
  readonly tally: Tally = { answered: 0, failed: 0, rejected: 0 };
  readonly #url: string;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #visits = new Set<Promise<void>>();
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #pages = 0;
  #whole = 0;

  constructor(url: string) {
    this.#url = url;
  }

  start(): void {
    this.#timer = setInterval(() => {
      const visit = this.#visit().finally(() => this.#visits.delete(visit));
      this.#visits.add(visit);
    }, PAUSE_MS);
  }

  /** Resolves when so many more pages have come back complete. */
  async served(pages: number): Promise<void> {
    const goal = this.#whole + pages;
    while (this.#whole < goal) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#visits);
    this.#agent.destroy();
  }

  async #visit(): Promise<void> {
    this.#pages += 1;
    const problems = await this.#ask(`${this.#url}/products/${this.#pages}`);
    if (problems === undefined) return; // the app is gone, which is told by its exit
    const rejected = problems.filter((problem) => problem.startsWith('ERR_RESILIENCE_')).length;
    this.tally.answered += CALLS_PER_PAGE - problems.length;
    this.tally.rejected += rejected;
    this.tally.failed += problems.length - rejected;
    if (problems.length === 0) this.#whole += 1;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #ask(url: string): Promise<readonly string[] | undefined> {
    return new Promise((resolve) => {
      const request = http.get(url, { agent: this.#agent }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve((JSON.parse(text) as { problems: string[] }).problems));
        response.on('error', () => resolve(undefined));
      });
      request.on('error', () => resolve(undefined));
    });
  }
}
