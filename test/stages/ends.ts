/** Tuples as text: `10.0.0.1:1234 > 10.0.0.2:80`, `[fd00::1]:1234 > [fd00::2]:80`, for ICMP `10.0.0.1:id > 10.0.0.2:type`. */

import type { ConnectionEnds as Ends } from "@conntrail/model";
import { formatEnd, parseAddress, type TupleEnd } from "@conntrail/model";

/** Parses `address:port`, the address in brackets when it is IPv6. */
export function end(text: string): TupleEnd {
  const colon = text.lastIndexOf(":");
  const address = parseAddress(text.slice(0, colon).replace(/^\[|\]$/g, ""));
  const port = Number(text.slice(colon + 1));
  if (address === undefined || !Number.isInteger(port)) throw new TypeError(`not an end: ${text}`);
  return { address, port };
}

/** Parses `source > destination`. */
export function ends(text: string): Ends {
  const [from, to] = text.split(" > ");
  if (from === undefined || to === undefined) throw new TypeError(`not a pair of ends: ${text}`);
  return { from: end(from), to: end(to) };
}

/** Both ends as text. */
export function formatEnds({ from, to }: Ends): string {
  return `${formatEnd(from)} > ${formatEnd(to)}`;
}
