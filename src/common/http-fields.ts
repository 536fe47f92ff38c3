/** What HTTP itself says of fields and statuses (RFC 9110, RFC 9112), for whoever writes or copies a message. */

/** A field as it stands in a message. */
export type Field = readonly [name: string, value: string];

/**
 * Names of fields that are about one connection, never about the message (RFC 9110 section 7.6.1), and those of a proxy
 * (RFC 9111 section 3.1). In lower case.
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** `name` in lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A token (RFC 9110 section 5.6.2). */
export function isFieldName(name: string): boolean {
  return TOKEN.test(name);
}

/** No control character, no line end (RFC 9110 section 5.5). */
export function isFieldValue(value: string): boolean {
  return VALUE.test(value);
}

/**
 * Whether such a response has no content, whatever its fields say: 1xx, 204, 205, 304, and any answer to HEAD
 * (RFC 9110 sections 6.4.1, 15.3.6). One with 205 still states its length, which is 0; see `endsAtHead`.
 */
export function isBodiless(status: number, method?: string): boolean {
  return status === 205 || endsAtHead(status, method);
}

/**
 * Whether such a response ends with its head (RFC 9112 section 6.3): a length or a chunked coding in it announces
 * nothing. `Content-Length` must not be made up for it.
 */
export function endsAtHead(status: number, method?: string): boolean {
  return status === 204 || status === 304 || status < 200 || method === 'HEAD';
}

/**
 * The fields that go from one connection to another, in lower-case names: not those about the connection, nor those
 * that its `Connection` field names. Without `content-length`, which whoever writes the message states.
 */
export function endToEnd(fields: Iterable<Field>): Field[] {
  const kept: Field[] = [];
  let connection = '';
  for (const [given, value] of fields) {
    const name = given.toLowerCase();
    if (name === 'connection') connection += `${value},`;
    else if (!HOP_BY_HOP.has(name) && name !== 'content-length') kept.push([name, value]);
  }
  // Nearly always it names nothing else.
  if (connection === '' || connection === 'keep-alive,' || connection === 'close,') return kept;
  const nominated = new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((option) => option.trim()),
  );
  return kept.filter(([name]) => !nominated.has(name));
}

/** The values of a field, joined as one (RFC 9110 section 5.3); undefined without it. `name` as the fields spell it. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  const values = fields.filter(([own]) => own === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}
