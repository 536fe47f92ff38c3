import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, existsSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import type { Browser } from 'playwright-core';
import { launch, open } from './browser.ts';

const ROOT = path.resolve(__dirname, '../../..');
const SITE = path.join(ROOT, 'build/site');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
};

/** Serves the built site as a static host with clean URLs does. */
function serveSite(): http.Server {
  return http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const file = [pathname, `${pathname}.html`, path.posix.join(pathname, 'index.html')]
      .map((name) => path.join(SITE, decodeURIComponent(name)))
      .find((name) => name.startsWith(SITE) && existsSync(name) && statSync(name).isFile());
    if (file === undefined) {
      // Browsers ask for an icon by themselves.
      response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
}

describe('the documentation site', () => {
  const server = serveSite();
  let browser: Browser;
  let origin: string;

  before(async function () {
    this.timeout(180_000);
    // Fails on a dead link.
    await promisify(execFile)('npm', ['run', '--silent', 'docs'], { cwd: ROOT });
    browser = await launch();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
  });

  for (const page of ['', 'README', 'docs/configuration', 'docs/tuning', 'docs/comparison', 'docs/migrate/opossum']) {
    it(`can be read on a phone: /${page}`, async () => {
      const { page: tab, complaints } = await open(browser, `${origin}/${page}`, {
        viewport: { width: 375, height: 800 },
      });
      // Wide tables scroll by themselves; the page does not.
      const wide = await tab.evaluate(() =>
        [...document.querySelectorAll('body *')]
          .filter(
            (element) =>
              document.documentElement.scrollWidth > window.innerWidth &&
              element.getBoundingClientRect().right > window.innerWidth + 1,
          )
          .map((element) => `${element.tagName}.${element.className}`),
      );
      assert.deepEqual(wide, []);
      const size = await tab.evaluate(() => Number.parseFloat(getComputedStyle(document.body).fontSize));
      assert.ok(size >= 14, `${size} px`);
      assert.deepEqual(complaints, []);
      await tab.context().close();
    });
  }

  it('finds what people search for', async () => {
    const { page: tab } = await open(browser, `${origin}/README`, { viewport: { width: 1280, height: 800 } });
    await tab.keyboard.press('Control+k');
    await tab.locator('.VPLocalSearchBox input').fill('retry budget');
    const results = tab.locator('.VPLocalSearchBox .result');
    await results.first().waitFor();
    const titles = (await results.allTextContents()).join('\n');
    assert.match(titles, /retr/i);
    await tab.context().close();
  });
});
