import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface PageAsset {
  readonly html: Buffer;
  /** Its Content-Security-Policy: the page's own script and style by their hashes, requests to its own server, no more. */
  readonly policy: string;
}

/** The page as the build has put it together (scripts/status-page.mjs). */
export function loadPage(): PageAsset {
  const html = readFileSync(path.join(__dirname, 'page.html'));
  const text = html.toString();
  const policy = [
    "default-src 'none'",
    `script-src ${hashesOf(text, 'script')}`,
    `style-src ${hashesOf(text, 'style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return { html, policy };
}

function hashesOf(html: string, element: 'script' | 'style'): string {
  const bodies = Array.from(html.matchAll(new RegExp(`<${element}[^>]*>(.*?)</${element}>`, 'gs')), ([, body]) => body);
  return bodies
    .map(
      (body) =>
        `'sha256-${createHash('sha256')
          .update(body ?? '')
          .digest('base64')}'`,
    )
    .join(' ');
}
