/** The name under which DNS keeps the names of an address: RFC 1035 3.5 for IPv4, RFC 3596 2.5 for IPv6. It is complete: no search domain is ever added (F41). */
import { ADDRESS_WORDS, isIpv4, networkWord } from "@conntrail/model";

/** `4.3.2.1.in-addr.arpa` for 1.2.3.4; 32 nibbles, last one first, below `ip6.arpa` for IPv6. */
export function ptrName(words: Uint32Array, offset: number): string {
  if (isIpv4(words, offset)) {
    const a = networkWord(words[offset + 3]!);
    return `${a & 255}.${(a >>> 8) & 255}.${(a >>> 16) & 255}.${a >>> 24}.in-addr.arpa`;
  }
  let nibbles = "";
  for (let word = ADDRESS_WORDS - 1; word >= 0; word--) {
    const bits = networkWord(words[offset + word]!);
    for (let shift = 0; shift < 32; shift += 4) nibbles += `${((bits >>> shift) & 15).toString(16)}.`;
  }
  return `${nibbles}ip6.arpa`;
}
