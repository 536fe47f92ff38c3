import type { CircuitAction } from '../document.ts';
import { byId, setText } from './dom.ts';

const EFFECTS: Readonly<Record<CircuitAction, { readonly title: string; readonly effect: string }>> = {
  'probe-now': {
    title: 'Probe now',
    effect: 'The next call is let through to try whether the upstream answers again.',
  },
  'force-open': { title: 'Force open', effect: 'Every attempt will be rejected until the circuit is reset.' },
  'force-closed': { title: 'Force closed', effect: 'Every attempt will be let through until the circuit is reset.' },
  reset: { title: 'Reset', effect: 'Closed, with an empty window, deciding by itself again.' },
};

export const ACTIONS = Object.keys(EFFECTS) as readonly CircuitAction[];

export function titleOf(action: CircuitAction): string {
  return EFFECTS[action].title;
}

/** Gives what went wrong, if anything did. */
type Submit = () => Promise<string | undefined>;

/** Asks before it acts, and for the token when it has none. The token is kept in memory only. */
export class Actions {
  readonly #dialog = byId('action', HTMLDialogElement);
  readonly #title = byId('action-title', HTMLHeadingElement);
  readonly #effect = byId('action-effect', HTMLParagraphElement);
  readonly #tokenRow = byId('action-token-row', HTMLLabelElement);
  readonly #tokenInput = byId('action-token', HTMLInputElement);
  readonly #error = byId('action-error', HTMLParagraphElement);
  readonly #confirm = byId('action-confirm', HTMLButtonElement);
  readonly #cancel = byId('action-cancel', HTMLButtonElement);
  #token: string | undefined;
  #submit: Submit = async () => undefined;

  constructor() {
    this.#cancel.addEventListener('click', () => this.#dialog.close());
    byId('action-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submitted();
    });
  }

  get token(): string | undefined {
    return this.#token;
  }

  open(action: CircuitAction, name: string): void {
    const { title, effect } = EFFECTS[action];
    this.#show(`${title}: ${name}`, effect, title, () => this.#post(action, name));
  }

  /** For a page that may not even be read without the token: there is no way around this dialog. */
  askToken(): Promise<void> {
    this.#token = undefined;
    this.#cancel.hidden = true;
    return new Promise((given) => {
      const ask = (): void =>
        this.#show(
          'Token needed',
          'This page is open to other machines: it shows nothing without the token.',
          'Continue',
        );
      const closed = (): void => {
        if (this.#token === undefined) return ask();
        this.#dialog.removeEventListener('close', closed);
        this.#cancel.hidden = false;
        given();
      };
      this.#dialog.addEventListener('close', closed);
      ask();
    });
  }

  #show(title: string, effect: string, confirm: string, submit: Submit = async () => undefined): void {
    this.#submit = submit;
    setText(this.#title, title);
    setText(this.#effect, effect);
    setText(this.#confirm, confirm);
    setText(this.#error, '');
    this.#offerToken();
    this.#dialog.showModal();
    if (this.#tokenRow.hidden) this.#confirm.focus();
    else this.#tokenInput.focus();
  }

  #offerToken(): void {
    this.#tokenRow.hidden = this.#token !== undefined;
    this.#tokenInput.value = '';
    this.#tokenInput.required = this.#token === undefined;
  }

  async #submitted(): Promise<void> {
    this.#token ??= this.#tokenInput.value;
    this.#confirm.disabled = true;
    const problem = await this.#submit().catch(() => 'No answer. Try again when the connection is back.');
    this.#confirm.disabled = false;
    if (problem === undefined) return this.#dialog.close();
    setText(this.#error, problem);
    this.#offerToken();
    if (!this.#tokenRow.hidden) this.#tokenInput.focus();
  }

  /** What went wrong; undefined: nothing. */
  async #post(action: CircuitAction, name: string): Promise<string | undefined> {
    const response = await fetch(`/circuits/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` },
      body: JSON.stringify({ name }),
    });
    if (response.ok) return undefined;
    if (response.status === 401) {
      this.#token = undefined;
      return 'This is not the token. Nothing was done.';
    }
    const { error } = (await response.json()) as { error?: string };
    return `Nothing was done: ${error ?? response.status}.`;
  }
}
