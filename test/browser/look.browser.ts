import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Browser, Page } from 'playwright-core';
import { launch, open } from './browser.ts';
import { LONG_NAME, ScriptedOutage, scenario } from './scripted-outage.ts';

/** `npm run screenshots` sends them to docs/images. */
const PICTURES = path.resolve(__dirname, '../../..', process.env.SCREENSHOTS ?? 'build/screenshots');
const HOSTILE = '<img src=x onerror="document.title=1"></script><script>document.title=1</script>';

let browser: Browser;
let outage: ScriptedOutage | undefined;

before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await launch();
});
after(() => browser.close());
afterEach(() => {
  outage?.close();
  outage = undefined;
});

async function serve(script: ConstructorParameters<typeof ScriptedOutage>[0] = scenario(4)): Promise<string> {
  outage = new ScriptedOutage(script);
  return outage.url();
}

async function drawn(page: Page): Promise<void> {
  await page.waitForSelector('body[data-connection=live]');
  await page.waitForSelector('.row canvas');
  await page.evaluate(() => new Promise(requestAnimationFrame));
}

const picture = (name: string): { path: string } => ({ path: path.join(PICTURES, `${name}.png`) });

/** Elements that stick out of the page to the side. */
const overflowing = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('body *')]
      .filter((element) => {
        const { width, right } = element.getBoundingClientRect();
        return (
          width > 0 &&
          !element.matches('.skip, .unseen, .plot *, .name *') &&
          right > document.documentElement.clientWidth + 0.5
        );
      })
      .map((element) => element.outerHTML.slice(0, 200)),
  );

/** Text whose contrast with its background is below what WCAG 2 AA asks of text (4.5). */
const pale = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const channels = (colour: string): number[] => {
      const numbers = (colour.match(/[\d.]+/g) ?? []).map(Number);
      // What colours are mixed to is told as parts of one.
      return colour.startsWith('color(') ? numbers.map((part, index) => (index < 3 ? 255 * part : part)) : numbers;
    };
    const luminance = (colour: string): number => {
      const [r = 0, g = 0, b = 0] = channels(colour).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const backgroundOf = (element: Element | null): string => {
      if (element === null) return 'rgb(255, 255, 255)';
      const { backgroundColor } = getComputedStyle(element);
      return channels(backgroundColor)[3] === 0 ? backgroundOf(element.parentElement) : backgroundColor;
    };
    const texts = [...document.querySelectorAll<HTMLElement>('body *')].filter(
      (element) =>
        element.checkVisibility() &&
        !element.matches(':disabled, script, style') &&
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== ''),
    );
    return texts.flatMap((element) => {
      const pair = [getComputedStyle(element).color, backgroundOf(element)].map(luminance).sort((a, b) => b - a);
      const contrast = ((pair[0] ?? 0) + 0.05) / ((pair[1] ?? 0) + 0.05);
      return contrast < 4.5 ? [`${element.textContent}: ${contrast.toFixed(2)}`] : [];
    });
  });

/** How many rows can be seen at once. */
const rowsInView = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      [...document.querySelectorAll('.row')].filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length,
  );

describe('the look of the status page', () => {
  for (const count of [4, 20, 200]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [375, 1440]) {
        it(`tells an outage among ${count} upstreams at a glance, ${colorScheme}, at ${width} px`, async () => {
          const isMobile = width === 375;
          const viewport = isMobile ? { width, height: 812 } : { width, height: 900 };
          const { page, complaints } = await open(browser, await serve(scenario(count)), {
            colorScheme,
            viewport,
            isMobile,
          });
          await drawn(page);
          await page.screenshot(picture(`status-page-${count}-${colorScheme}-${width}`));
          assert.deepEqual(await overflowing(page), []);
          assert.deepEqual(await pale(page), []);
          assert.deepEqual(complaints, []);
          const open_ = { 4: 1, 20: 2, 200: 3 }[count];
          const title = (await page.locator('#banner-title').textContent()) ?? '';
          assert.match(title, new RegExp(`^${open_} of ${count} upstreams open: .*payments`));
          assert.equal(await page.title(), `${open_} open – Resilience status`);
          assert.match((await page.locator('#icon').getAttribute('href')) ?? '', /d93025/);
          const rows = await rowsInView(page);
          assert.ok(rows >= Math.min(count, isMobile ? 6 : 20), `${rows} rows`);
          assert.equal(await page.locator('.row').first().getAttribute('data-state'), 'open');
        });
      }
    }
  }

  it('tells since when, how many were refused, and when the next probe is', async () => {
    const { page } = await open(browser, await serve());
    await drawn(page);
    const detail = (await page.locator('#banner-detail').textContent()) ?? '';
    assert.match(detail, /^since 10:01:08, 1,\d{3} refused, next probe in 113 s/);
  });

  it('tells what observe mode would have refused as no outage', async () => {
    const { page } = await open(browser, await serve(scenario(4).filter(({ mode }) => mode === 'observe')));
    await drawn(page);
    assert.match(
      (await page.locator('#banner-title').textContent()) ?? '',
      /^Observe mode: 1 of 1 upstreams would be open/,
    );
    assert.match((await page.locator('#banner-detail').textContent()) ?? '', /\d would have been refused$/);
    assert.equal(await page.locator('#banner').getAttribute('data-tone'), 'note');
    assert.equal(await page.locator('.row').getAttribute('data-tone'), 'note');
    assert.equal(await page.locator('[data-tone=bad], [data-tone=warn]').count(), 0);
    await page.screenshot(picture('status-page-observe'));
  });

  it('expands a row to plots, counts that are not zero, and circuits; the address says which', async () => {
    const url = await serve();
    const { page, complaints } = await open(browser, url, { viewport: { width: 1440, height: 900 } });
    await drawn(page);
    await page.getByRole('button', { name: /payments/ }).click();
    await page.waitForSelector('.plots canvas');
    assert.deepEqual(await overflowing(page), []);
    assert.deepEqual(await pale(page), []);
    assert.equal((await page.locator('.facts').textContent())?.includes(' 0 '), false);
    await page.screenshot(picture('status-page-details'));
    await page.getByRole('button', { name: /^Not closed/ }).click();
    await page.getByRole('searchbox').fill('pay');
    await page.waitForURL(/q=pay/);
    const address = page.url();
    const { page: other } = await open(browser, address, { viewport: { width: 375, height: 812 }, isMobile: true });
    await other.waitForSelector('.plots canvas');
    assert.equal(await other.locator('.row:visible').count(), 1);
    assert.equal(await other.locator('#filter-open').getAttribute('aria-pressed'), 'true');
    assert.equal(await other.getByRole('searchbox').inputValue(), 'pay');
    assert.deepEqual(await overflowing(other), []);
    assert.deepEqual(complaints, []);
  });

  it('tells failed probes together, and no trace where there is none', async () => {
    const { page } = await open(browser, await serve());
    await drawn(page);
    const entries = await page.locator('#changes li .text').allTextContents();
    assert.equal(entries.filter((text) => text === '4 probes failed').length, 2);
    assert.equal(
      entries.some((text) => text.includes('half-open')),
      false,
    );
    assert.doesNotMatch((await page.locator('#changes').textContent()) ?? '', /none/);
  });

  it('keeps the longest names within 375 px', async () => {
    const url = await serve([LONG_NAME, 'x'.repeat(300), `policy ${'y'.repeat(200)}`]);
    const { page } = await open(browser, url, { viewport: { width: 375, height: 812 }, isMobile: true });
    await drawn(page);
    assert.deepEqual(await overflowing(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  });

  it('shows a name that is markup as text', async () => {
    const { page, complaints } = await open(browser, await serve([HOSTILE, 'b', 'c']));
    await drawn(page);
    assert.ok((await page.locator('.row .name').allTextContents()).some((name) => name.startsWith(HOSTILE)));
    assert.equal(await page.locator('img').count(), 0);
    assert.match(await page.title(), /Resilience status$/);
    assert.deepEqual(complaints, []);
  });

  it('says that nothing has been called yet', async () => {
    const { page } = await open(browser, await serve([]), { viewport: { width: 1440, height: 500 } });
    await page.getByText('No upstream has been called yet.').waitFor();
    assert.equal(await page.title(), 'Resilience status');
  });

  it('moves nothing when the next sample comes', async () => {
    const { page } = await open(browser, await serve());
    await drawn(page);
    await page.getByRole('button', { name: /payments/ }).click();
    await page.waitForSelector('.plots canvas');
    const places = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('.row, figure, .facts div, .circuits li')].map((element) => {
          const { x, y, width, height } = element.getBoundingClientRect();
          return [x, y, width, height];
        }),
      );
    const before = await places();
    const shown = await page.locator('#banner-detail').textContent();
    outage?.sample();
    await page.waitForFunction((text) => document.getElementById('banner-detail')?.textContent !== text, shown);
    await page.evaluate(() => new Promise(requestAnimationFrame));
    assert.deepEqual(await places(), before);
  });
});
