import assert from 'node:assert/strict';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Browser, Page } from 'playwright-core';
import { AppUnderTest } from '../e2e/app-under-test.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { launch, open } from './browser.ts';

const TOKEN = 'a-token-of-the-test';

let browser: Browser;
let upstream: Upstream;
let receiver: OtlpReceiver;
let app: AppUnderTest | undefined;

before(async () => {
  browser = await launch();
  upstream = await Upstream.start();
  receiver = await OtlpReceiver.start();
});
after(async () => {
  await browser.close();
  await upstream.close();
  await receiver.close();
});
afterEach(async () => {
  await app?.end();
  app = undefined;
});

/** An app with a page, on a port of the system's choice unless one is given. */
async function start(env: Record<string, string> = {}): Promise<{ running: AppUnderTest; url: string }> {
  app = new AppUnderTest({
    client: 'http.get',
    env: {
      OTEL_RESILIENCE_STATUS: '127.0.0.1:0',
      OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5',
      ...receiver.env,
      ...env,
    },
  });
  const running = app;
  const { stderr } = running.child;
  if (stderr === null) throw new Error('no stderr');
  for await (const _chunk of stderr.iterator({ destroyOnReturn: false })) {
    const url = /status page at (\S+)/.exec(running.stderr)?.[1];
    if (url !== undefined) return { running, url };
  }
  throw new Error(`no page: ${running.stderr}`);
}

const stateOf = (page: Page) => page.locator('.row .badge').first();

async function act(page: Page, action: string, token?: string): Promise<void> {
  const row = page.locator('.row > h3 > button').first();
  if ((await row.getAttribute('aria-expanded')) === 'false') await row.click();
  await page
    .getByRole('button', { name: new RegExp(`^${action} `) })
    .first()
    .click();
  if (token !== undefined) await page.locator('#action-token').fill(token);
  await page.locator('#action-confirm').click();
}

describe('the status page of a running app', () => {
  it('shows an upstream with its first call, and its trip within 2 s with the id of the trace', async () => {
    const { running, url } = await start();
    const { page, complaints } = await open(browser, url);
    await page.getByText('No upstream has been called yet.').waitFor();
    upstream.status = 200;
    await running.call(upstream.url, 1);
    await page.locator('.row .name').getByText(upstream.url).waitFor();
    upstream.status = 503;
    await running.call(upstream.url, 9);
    await page.locator('#changes li[data-type=circuit][data-tone=bad]').waitFor({ timeout: 2_000 });
    await page.locator('#banner[data-tone=bad]').waitFor();
    assert.equal(await stateOf(page).textContent(), 'open');
    const traceId = await page.locator('#changes li[data-type=circuit] code').first().textContent();
    assert.match(traceId ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(complaints, []);
    assert.equal(await running.end(), 0);
    const spans = receiver.spans;
    const traced = spans.filter((span) => span.traceId === traceId).flatMap(({ events }) => events);
    assert.ok(traced.some(({ name }) => name === 'resilience.circuit_breaker.state_change'));
    assert.deepEqual(
      spans.filter(({ kind }) => kind === 'SERVER'),
      [],
    );
  });

  it('steers a circuit for who has the token, by keyboard too', async () => {
    const { running, url } = await start({ OTEL_RESILIENCE_STATUS_TOKEN: TOKEN });
    upstream.status = 200;
    await running.call(upstream.url, 1);
    const { page } = await open(browser, url);
    await act(page, 'Force open', TOKEN);
    await page.locator('.row[data-state=forced_open]').waitFor();
    assert.match(String((await running.call(upstream.url, 1))[0]), /CIRCUIT_OPEN/);
    await page.getByRole('button', { name: /^Reset / }).focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('#action-token').isVisible(), false, 'the token is asked for once');
    await page.keyboard.press('Enter');
    await page.locator('.row[data-state=closed]').waitFor();
    assert.deepEqual(await running.call(upstream.url, 1), [200]);
  });

  it('probes an open circuit at once for who has the token, and closes it when the upstream answers', async () => {
    const { running, url } = await start({
      OTEL_RESILIENCE_STATUS_TOKEN: TOKEN,
      OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION: '5m',
      OTEL_RESILIENCE_CIRCUIT_BREAKER_HALF_OPEN_SUCCESSES: '1',
    });
    upstream.status = 503;
    await running.call(upstream.url, 9);
    const { page } = await open(browser, url);
    await page.locator('.row[data-state=open]').waitFor();
    await act(page, 'Probe now', TOKEN);
    await page.locator('.row[data-state=half_open]').waitFor();
    upstream.status = 200;
    assert.deepEqual(await running.call(upstream.url, 1), [200]);
    await page.locator('.row[data-state=closed]').waitFor();
    await page.getByText('closed again: probes succeeded', { exact: true }).waitFor();
  });

  it('does nothing with a wrong token, and asks again', async () => {
    const { running, url } = await start({ OTEL_RESILIENCE_STATUS_TOKEN: TOKEN });
    upstream.status = 200;
    await running.call(upstream.url, 1);
    const { page } = await open(browser, url);
    await act(page, 'Force open', 'not-the-token');
    await page.getByText('This is not the token. Nothing was done.').waitFor();
    assert.equal(await stateOf(page).textContent(), 'closed');
    assert.deepEqual(await running.call(upstream.url, 1), [200]);
    await page.locator('#action-token').fill(TOKEN);
    await page.locator('#action-confirm').click();
    await page.locator('.row[data-state=forced_open]').waitFor();
  });

  it('offers no action without a token configured, and says what to set', async () => {
    const { running, url } = await start();
    await running.call(upstream.url, 1);
    const { page } = await open(browser, url);
    await page.locator('.row > h3 > button').click();
    const buttons = page.locator('.circuits button');
    await buttons.first().waitFor();
    assert.equal(await buttons.count(), 4);
    assert.equal(await page.locator('.circuits button:disabled').count(), 4);
    await page.getByText('OTEL_RESILIENCE_STATUS_TOKEN').waitFor();
  });

  it('says that the connection is lost, and goes on when the app is back', async () => {
    const first = await start();
    await first.running.call(upstream.url, 1);
    const { page } = await open(browser, first.url, { viewport: { width: 375, height: 640 }, isMobile: true });
    await page.locator('.row').waitFor();
    await first.running.end();
    await page.getByText(/^Connection lost since \d\d:\d\d:\d\d/).waitFor();
    assert.match(await page.title(), /^Connection lost/);
    await page.screenshot({
      path: path.resolve(__dirname, '../../..', process.env.SCREENSHOTS ?? 'build/screenshots', 'status-page-lost.png'),
    });
    app = new AppUnderTest({ client: 'http.get', env: { OTEL_RESILIENCE_STATUS: new URL(first.url).host } });
    await page.locator('body[data-connection=live]').waitFor();
    await page.getByText('No upstream has been called yet.').waitFor();
  });

  it('asks for the token before it shows anything where other machines can reach it', async () => {
    const { running, url } = await start({
      OTEL_RESILIENCE_STATUS: '0.0.0.0:0',
      OTEL_RESILIENCE_STATUS_TOKEN: TOKEN,
    });
    await running.call(upstream.url, 1);
    const { page } = await open(browser, url.replace('0.0.0.0', '127.0.0.1'));
    await page.locator('#action-token').fill(TOKEN);
    assert.equal(await page.locator('.row').count(), 0);
    await page.keyboard.press('Enter');
    await page.locator('.row').waitFor();
  });

  it('is out of reach of another site, which can neither read nor steer', async () => {
    const { running, url } = await start({ OTEL_RESILIENCE_STATUS_TOKEN: TOKEN });
    await running.call(upstream.url, 1);
    const { page } = await open(browser, upstream.url);
    const outcome = await page.evaluate(
      async ({ url, name, token }) => {
        const read = await fetch(`${url}status`).then(String, (error: Error) => error.name);
        const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
        const init = { method: 'POST', headers, body: JSON.stringify({ name }) };
        const steered = await fetch(`${url}circuits/force-open`, init).then(String, (error: Error) => error.name);
        return { read, steered };
      },
      { url, name: upstream.url, token: TOKEN },
    );
    assert.deepEqual(outcome, { read: 'TypeError', steered: 'TypeError' });
    upstream.status = 200;
    assert.deepEqual(await running.call(upstream.url, 1), [200]);
  });
});
