import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Browser, Page } from 'playwright-core';
import { launch, open } from './browser.ts';
import { LONG_NAME, ScriptedOutage } from './scripted-outage.ts';

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

async function serve(...names: string[]): Promise<string> {
  outage = new ScriptedOutage(...(names.length === 0 ? [] : [names]));
  return outage.url();
}

async function drawn(page: Page): Promise<void> {
  await page.waitForSelector('body[data-connection=live]');
  await page.waitForSelector('.card canvas');
}

/** Elements that stick out of the page to the side. */
const overflowing = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('body *')]
      .filter((element) => {
        const { width, right } = element.getBoundingClientRect();
        return (
          width > 0 && !element.matches('.skip, .unseen, .plot *') && right > document.documentElement.clientWidth + 0.5
        );
      })
      .map((element) => element.outerHTML.slice(0, 200)),
  );

/** Text whose contrast with its background is below what WCAG 2 AA asks of text (4.5). */
const pale = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
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

describe('the look of the status page', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [375, 1440]) {
      it(`is readable in ${colorScheme} at ${width} px`, async () => {
        const isMobile = width === 375;
        const viewport = { width, height: isMobile ? 812 : 720 };
        const { page, complaints } = await open(browser, await serve(), { colorScheme, viewport, isMobile });
        await drawn(page);
        assert.deepEqual(await overflowing(page), []);
        assert.deepEqual(await pale(page), []);
        assert.deepEqual(complaints, []);
        await page.screenshot({ path: path.join(PICTURES, `status-page-${colorScheme}-${width}.png`) });
      });
    }
  }

  it('keeps the longest names within 375 px', async () => {
    const url = await serve(LONG_NAME, 'x'.repeat(300), `policy ${'y'.repeat(200)}`);
    const { page } = await open(browser, url, { viewport: { width: 375, height: 812 }, isMobile: true });
    await drawn(page);
    assert.deepEqual(await overflowing(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await page.screenshot({ path: path.join(PICTURES, 'status-page-long-names.png') });
  });

  it('shows a name that is markup as text', async () => {
    const { page, complaints } = await open(browser, await serve(HOSTILE, 'b', 'c'));
    await drawn(page);
    assert.equal(await page.locator('.card h2').first().textContent(), HOSTILE);
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.title(), 'Resilience status');
    assert.deepEqual(complaints, []);
  });

  it('says that nothing has been called yet', async () => {
    outage = new ScriptedOutage([]);
    const { page } = await open(browser, await outage.url(), { viewport: { width: 1440, height: 500 } });
    await page.getByText('No upstream has been called yet.').waitFor();
    await page.screenshot({ path: path.join(PICTURES, 'status-page-empty.png') });
  });

  it('moves nothing when the next sample comes', async () => {
    const { page } = await open(browser, await serve());
    await drawn(page);
    const places = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('.card, figure, .tile, .circuits li')].map((element) => {
          const { x, y, width, height } = element.getBoundingClientRect();
          return [x, y, width, height];
        }),
      );
    const before = await places();
    outage?.sample();
    await page.waitForFunction(() => document.querySelector('.tile output')?.textContent !== '');
    await page.evaluate(() => new Promise(requestAnimationFrame));
    assert.deepEqual(await places(), before);
  });
});
