import { eventually, GivenUp } from './backend.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Answer<T> {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data: T;
}

interface Vector {
  readonly resultType: string;
  readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[];
}

/** Prometheus' own query API. */
export class Prometheus {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** An instant vector, now. */
  async query(promql: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<Vector>(`/api/v1/query?${new URLSearchParams({ query: promql })}`);
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** The value of a query that has one; undefined if it has none. */
  async value(promql: string): Promise<number | undefined> {
    const samples = await this.query(promql);
    if (samples.length > 1) throw new GivenUp(`${samples.length} series, not one: ${promql}`);
    return samples[0]?.value;
  }

  /** Asks until the query has this value: between a call and its sample there are an export and a scrape. */
  async becomes(promql: string, expected: number, timeoutMs = 15_000): Promise<void> {
    let last: number | undefined;
    await eventually(`${promql} is ${expected}`, timeoutMs, async () => {
      last = await this.value(promql);
      return last !== undefined && Math.abs(last - expected) < 1e-9;
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${last}`);
    });
  }

  async names(): Promise<readonly string[]> {
    return this.#get('/api/v1/label/__name__/values');
  }

  async labelsOf(series: string): Promise<readonly string[]> {
    return this.#get(`/api/v1/labels?${new URLSearchParams({ 'match[]': series })}`);
  }

  async rules(): Promise<readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]> {
    type Groups = { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    return (await this.#get<Groups>('/api/v1/rules')).groups.flatMap(({ rules }) => rules);
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(5_000) });
    const answer = (await response.json()) as Answer<T>;
    // A query that does not parse never will.
    if (response.status === 400) throw new GivenUp(`${answer.error}: ${decodeURIComponent(path)}`);
    if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}`);
    return answer.data;
  }
}
