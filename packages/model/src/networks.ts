/** Networks in CIDR notation (RFC 4632, RFC 4291 2.3), and whether an address lies in one of them. */
import { ADDRESS_WORDS, networkWord, parseAddress } from "./address.ts";

/** True for addresses inside the networks. */
export type NetworkTest = (words: Uint32Array, offset: number) => boolean;

/** The test for a list of CIDRs; a bare address stands for itself. Throws `RangeError` for what is neither. */
export function networkTest(cidrs: readonly string[]): NetworkTest {
  const networks = cidrs.map(parseNetwork);
  return (words, offset) => networks.some((network) => contains(network, words, offset));
}

interface Network {
  readonly words: Uint32Array;
  /** Of 128: an IPv4 prefix counts the 96 bits before it too. */
  readonly prefixBits: number;
}

function parseNetwork(cidr: string): Network {
  const [address, prefix, ...rest] = cidr.split("/");
  const words = parseAddress(address!);
  const width = address!.includes(":") ? 128 : 32;
  const bits = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (words === undefined || rest.length > 0 || !(bits <= width)) {
    throw new RangeError(`network: expected ADDRESS/PREFIX, got "${cidr}"`);
  }
  return { words, prefixBits: 128 - width + bits };
}

function contains({ words, prefixBits }: Network, address: Uint32Array, offset: number): boolean {
  for (let i = 0, left = prefixBits; i < ADDRESS_WORDS && left > 0; i++, left -= 32) {
    const ignored = Math.max(0, 32 - left);
    if (networkWord((words[i]! ^ address[offset + i]!) >>> 0) >>> ignored !== 0) return false;
  }
  return true;
}
