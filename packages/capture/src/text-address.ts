/** Addresses of a text: the same few are on most lines, and parsing them is what reading text would spend its time on. */
import { isIpv4, parseAddress } from "@conntrail/model";

/** The address in a text, 4 or 16 bytes in network order; `undefined` when there is none. The bytes are shared: do not change them. */
export type ReadAddress = (text: string) => Uint8Array | undefined;

/** Texts remembered at the most; then all are forgotten. */
const REMEMBERED = 8192;

/** A parser that remembers. */
export function addressReader(): ReadAddress {
  const known = new Map<string, Uint8Array | undefined>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined || known.has(text)) return found;
    if (known.size === REMEMBERED) known.clear();
    const bytes = parse(text);
    known.set(text, bytes);
    return bytes;
  };
}

function parse(text: string): Uint8Array | undefined {
  const words = parseAddress(text);
  if (words === undefined) return undefined;
  const bytes = new Uint8Array(words.buffer);
  // An IPv4-mapped address of an IPv6 flow keeps its 16 bytes.
  return isIpv4(words) && !text.includes(":") ? bytes.subarray(12) : bytes;
}
