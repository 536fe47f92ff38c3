/** What of the view is kept in the address, so that it can be sent to somebody and survives a reload. */
export interface View {
  /** Which upstreams are listed. */
  filter: string;
  /** Text that names must contain. */
  search: string;
  /** Key of the upstream whose details are shown. */
  expanded: string;
}

const PARAMETERS: Readonly<Record<keyof View, string>> = { filter: 'show', search: 'q', expanded: 'upstream' };
/** What an address does not mention. */
const PLAIN: View = { filter: 'all', search: '', expanded: '' };

export function readView(): View {
  const given = new URLSearchParams(location.search);
  const of = (name: keyof View): string => given.get(PARAMETERS[name]) ?? PLAIN[name];
  return { filter: of('filter'), search: of('search'), expanded: of('expanded') };
}

export function writeView(view: View): void {
  const parameters = new URLSearchParams();
  for (const name of Object.keys(PARAMETERS) as (keyof View)[]) {
    if (view[name] !== PLAIN[name]) parameters.set(PARAMETERS[name], view[name]);
  }
  const query = parameters.toString();
  const address = query === '' ? location.pathname : `?${query}`;
  if (address !== location.search) history.replaceState(null, '', address);
}
