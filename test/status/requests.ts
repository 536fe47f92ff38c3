import { once } from 'node:events';
import http from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
}

/** One request on a connection of its own. */
export async function ask(url: string, { method = 'GET', headers = {}, body = '' }: Ask = {}): Promise<Answer> {
  const response = await begin(url, { method, headers, body });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

/** Resolves with the head. */
export async function begin(
  url: string,
  { method = 'GET', headers = {}, body = '' }: Ask = {},
): Promise<http.IncomingMessage> {
  const request = http.request(url, { method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return response;
}

/** Events of `/events` as they come. */
export async function* events(response: http.IncomingMessage): AsyncGenerator<{ event: string; data: unknown }> {
  let text = '';
  for await (const chunk of response) {
    const blocks = (text + String(chunk)).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}
