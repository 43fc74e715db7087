/**
 * An IP address as four 32-bit words: 16 bytes in network order, an IPv4 address as its IPv4-mapped form
 * `::ffff:a.b.c.d` (RFC 4291, 2.5.5.2). The words are a plain view of the bytes, so two addresses are equal when
 * their words are, on machines of either byte order.
 */
import ipaddr from "ipaddr.js";

/** Four words in a row: the length of an address wherever one is stored. */
export const ADDRESS_WORDS = 4;

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The third word of every IPv4-mapped address: bytes 00 00 ff ff. */
export const IPV4_MAPPED_WORD: number = LITTLE_ENDIAN ? 0xffff0000 : 0x0000ffff;

/** Swaps a word between the machine's byte order and the network's. */
export function networkWord(word: number): number {
  if (!LITTLE_ENDIAN) return word >>> 0;
  return ((word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24)) >>> 0;
}

/** True when the address at `offset` is IPv4-mapped. */
export function isIpv4(words: Uint32Array, offset = 0): boolean {
  return words[offset] === 0 && words[offset + 1] === 0 && words[offset + 2] === IPV4_MAPPED_WORD;
}

/** True for 127.0.0.0/8 and ::1 (RFC 1122 3.2.1.3, RFC 4291 2.5.3): addresses that mean something only inside one network namespace. */
export function isLoopback(words: Uint32Array, offset = 0): boolean {
  if (words[offset] !== 0 || words[offset + 1] !== 0) return false;
  const last = networkWord(words[offset + 3]!);
  if (words[offset + 2] === IPV4_MAPPED_WORD) return last >>> 24 === 127;
  return words[offset + 2] === 0 && last === 1;
}

/** True for 0.0.0.0 and ::, which a listener binds to. */
export function isUnspecified(words: Uint32Array, offset = 0): boolean {
  if (words[offset] !== 0 || words[offset + 1] !== 0 || words[offset + 3] !== 0) return false;
  return words[offset + 2] === 0 || words[offset + 2] === IPV4_MAPPED_WORD;
}

/** True when two stored addresses are the same. */
export function sameAddress(a: Uint32Array, aOffset: number, b: Uint32Array, bOffset: number): boolean {
  return (
    a[aOffset + 3] === b[bOffset + 3] &&
    a[aOffset] === b[bOffset] &&
    a[aOffset + 1] === b[bOffset + 1] &&
    a[aOffset + 2] === b[bOffset + 2]
  );
}

/** Writes an IPv4 address given as a number in host order (10.0.0.1 is 0x0a000001). */
export function writeIpv4(words: Uint32Array, offset: number, address: number): void {
  words[offset] = 0;
  words[offset + 1] = 0;
  words[offset + 2] = IPV4_MAPPED_WORD;
  words[offset + 3] = networkWord(address);
}

/** Parses the text form of an IPv4 or IPv6 address into four words; `undefined` when it is none. A zone id (`%eth0`) is dropped. */
export function parseAddress(text: string): Uint32Array | undefined {
  const bare = text.split("%", 1)[0]!;
  if (!(bare.includes(":") ? ipaddr.IPv6.isValid(bare) : ipaddr.IPv4.isValidFourPartDecimal(bare))) return undefined;
  const parsed = ipaddr.parse(bare);
  const bytes = (parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : parsed).toByteArray();
  // ipaddr.js takes the deprecated IPv4-compatible form (RFC 4291, 2.5.5.1) for the IPv4-mapped one.
  if (/^::\d+\./.test(bare)) bytes.fill(0, 10, 12);
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

/** Formats the address at `offset`: dotted quad for IPv4-mapped, else RFC 5952. */
export function formatAddress(words: Uint32Array, offset = 0): string {
  if (isIpv4(words, offset)) {
    const a = networkWord(words[offset + 3]!);
    return `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`;
  }
  return formatIpv6(words, offset);
}

function formatIpv6(words: Uint32Array, offset: number): string {
  const groups: number[] = [];
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const word = networkWord(words[offset + i]!);
    groups.push(word >>> 16, word & 0xffff);
  }
  const { start, length } = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    if (end > i) i = end;
  }
  return best;
}
