/** What counts as a name. A PTR record is written by whoever holds the address and may hold any bytes, which must not reach a terminal or a label (RFC 1123 2.1, with the underscore that is in use). */

const LABELS = /^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/;

/** How many names of one address are kept. */
export const MAX_NAMES = 16;

/** The name without its trailing dot; `undefined` when it is not a host name. */
export function hostName(text: string): string | undefined {
  const bare = text.endsWith(".") ? text.slice(0, -1) : text;
  return bare.length <= 253 && LABELS.test(bare) ? bare : undefined;
}
