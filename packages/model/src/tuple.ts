/** A tuple: two ends and a protocol, with a direction. Its canonical key forgets the direction: `key(t) = key(reverse(t))`. */
import { ADDRESS_WORDS, formatAddress } from "./address.ts";

/** One end of a tuple. `address` is four words (see address.ts); for ICMP `port` carries the id at the source and type·256+code at the destination. */
export interface TupleEnd {
  readonly address: Uint32Array;
  readonly port: number;
}

/** Two ends and the protocol between them. */
export interface Tuple {
  readonly protocol: number;
  readonly source: TupleEnd;
  readonly destination: TupleEnd;
}

/** The same tuple seen from the other end. */
export function reverse(tuple: Tuple): Tuple {
  return { protocol: tuple.protocol, source: tuple.destination, destination: tuple.source };
}

/** Words of a canonical key: protocol, the lower end (address, port), the higher end. */
export const TUPLE_KEY_WORDS: number = 1 + 2 * (ADDRESS_WORDS + 1);

/** The direction-free key of a tuple: 11 words, a copy. */
export function tupleKey(tuple: Tuple): Uint32Array {
  const [low, high] =
    compareEnds(tuple.source, tuple.destination) <= 0
      ? [tuple.source, tuple.destination]
      : [tuple.destination, tuple.source];
  return Uint32Array.of(tuple.protocol, ...low.address, low.port, ...high.address, high.port);
}

/** A total order of ends: by address words, then by port. Equal only for equal ends. */
export function compareEnds(a: TupleEnd, b: TupleEnd): number {
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const difference = a.address[i]! - b.address[i]!;
    if (difference !== 0) return difference;
  }
  return a.port - b.port;
}

/** `10.0.0.1:80` or `[fd00::1]:80`. */
export function formatEnd(end: TupleEnd): string {
  const address = formatAddress(end.address);
  return address.includes(":") ? `[${address}]:${end.port}` : `${address}:${end.port}`;
}

/**
 * Hashes one end (address words and port) to 32 bits. Combining the hashes of both ends with `+` gives a hash
 * that is the same in both directions, without sorting: what the flow tables use on the hot path.
 */
export function hashEnd(words: Uint32Array, offset: number, port: number): number {
  let h = Math.imul(words[offset + 3]! ^ port, 0x9e3779b1);
  h = Math.imul((h ^ (h >>> 15)) + words[offset]!, 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 13)) + words[offset + 1]! + Math.imul(words[offset + 2]!, 0x27d4eb2f), 0xc2b2ae35);
  h = Math.imul((h ^ (h >>> 16)) + port, 0x165667b1);
  return (h ^ (h >>> 15)) >>> 0;
}
