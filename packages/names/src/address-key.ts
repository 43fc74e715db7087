/** An address as the key of a Map, made on every look into the cache: a small integer for IPv4, a string of 8 UTF-16 units for IPv6. */
import { isIpv4 } from "@conntrail/model";

export type AddressKey = number | string;

/** The key of the four words at `offset`. Equal keys mean equal addresses, on one machine: the byte order is the machine's. */
export function addressKey(words: Uint32Array, offset: number): AddressKey {
  const d = words[offset + 3]!;
  if (isIpv4(words, offset)) return d | 0; // signed: V8 keeps 32-bit integers without an allocation
  const a = words[offset]!;
  const b = words[offset + 1]!;
  const c = words[offset + 2]!;
  return String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16, c & 0xffff, c >>> 16, d & 0xffff, d >>> 16);
}
