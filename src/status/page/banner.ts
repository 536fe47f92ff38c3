import type { Headline } from '../headline.ts';
import { byId, setData, setText } from './dom.ts';

const TITLE = 'Resilience status';
/** A shape for each, as colours alone don't tell them apart for everyone. */
const ICONS: Readonly<Record<string, string>> = {
  ok: "<circle cx='8' cy='8' r='6' fill='none' stroke='#1a9e55' stroke-width='3'/>",
  note: "<circle cx='8' cy='8' r='6' fill='none' stroke='#8f5bd6' stroke-width='3'/>",
  warn: "<path d='M8 1 15 15H1Z' fill='#e09600'/>",
  bad: "<circle cx='8' cy='8' r='8' fill='#d93025'/><path d='M4 8h8' stroke='#fff' stroke-width='3'/>",
  lost: "<circle cx='8' cy='8' r='6' fill='none' stroke='#808a94' stroke-width='3' stroke-dasharray='3 2'/>",
};

/** What is broken, in large letters, in the title of the tab and in its icon. */
export class Banner {
  readonly #node = byId('banner', HTMLElement);
  readonly #title = byId('banner-title', HTMLElement);
  readonly #detail = byId('banner-detail', HTMLElement);
  readonly #icon = byId('icon', HTMLLinkElement);

  show({ tone, title, detail, short }: Omit<Headline, 'tone'> & { readonly tone: string }): void {
    if (this.#node.dataset.tone !== tone) {
      const shape = encodeURIComponent(ICONS[tone] ?? '');
      this.#icon.href = `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E${shape}%3C/svg%3E`;
    }
    setData(this.#node, 'tone', tone);
    setText(this.#title, title);
    setText(this.#detail, detail);
    const tab = short === '' ? TITLE : `${short} – ${TITLE}`;
    if (document.title !== tab) document.title = tab;
  }
}
