import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { App, CLIENTS } from './support/app.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

const WITHOUT_ANSWER = [
  'throws',
  'rejects',
  'returns garbage',
  'returns a used body',
  'returns nothing',
  'never resolves',
];
/** Those whose author should hear of it. */
const FAULTY = WITHOUT_ANSWER.filter((name) => name !== 'returns nothing');

describe('a fallback handler in code', () => {
  let app: App;
  let upstream: ScriptedOrigin;

  before(async () => {
    upstream = await ScriptedOrigin.start(503);
    app = await App.start({ config: 'policies: { default: {} }', preloads: ['handlers.cjs'] });
  });
  after(async () => {
    await app.end();
    await upstream.stop();
  });

  const url = (name: string): string => `${upstream.origin}/${name.replaceAll(' ', '-')}/7`;

  for (const client of CLIENTS) {
    it(`answers a call of ${client}`, async () => {
      const reply = await app.call(client, { url: url('answers') });
      assert.deepEqual([reply.status, reply.text], [203, 'GET 7 by the handler'], JSON.stringify(reply));
      assert.ok(reply.headers?.['resilience-source'] !== undefined);
      const later = await app.call(client, { url: url('answers later') });
      assert.deepEqual([later.status, later.text], [200, '{"later":true}']);
    });

    for (const name of WITHOUT_ANSWER) {
      it(`that ${name} leaves ${client} with what the upstream said`, async () => {
        upstream.reset(503);
        const reply = await app.call(client, { url: url(name) });
        assert.equal(reply.status, 503, JSON.stringify(reply));
        assert.equal(reply.text, `GET ${new URL(url(name)).pathname}`);
        assert.equal(upstream.requests, 1);
      });
    }
  }

  it("is told of once, however often it fails, by name and as the app's own", () => {
    const lines = app.stderr.trim().split('\n');
    const said =
      /: policy policy\d, upstream http:\/\/127\.0\.0\.1:\d+: the fallback handler (?:threw|returned|gave no answer) /;
    for (const line of lines) assert.match(line, said);
    assert.ok(lines.length >= 1 && lines.length <= FAULTY.length, app.stderr);
    assert.equal(new Set(lines).size, lines.length, app.stderr);
  });
});
