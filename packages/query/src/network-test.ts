/** Tests of addresses by network, over the words of the columns and over text. */
import { networkTest, parseAddress } from "@conntrail/model";

/** A network, ready to be asked. */
export interface Network {
  hasWords(words: Uint32Array, offset: number): boolean;
  /** False for null and for what is no address. */
  hasText(address: unknown): boolean;
}

/** The network of `10.0.0.0/8`; a bare address stands for itself. Undefined for what is neither. */
export function parseNetwork(cidr: string): Network | undefined {
  try {
    const inside = networkTest([cidr]);
    const hasText = (address: unknown): boolean => {
      const words = typeof address === "string" ? parseAddress(address) : undefined;
      return words !== undefined && inside(words, 0);
    };
    return { hasWords: inside, hasText };
  } catch {
    return undefined; // RangeError: it is none.
  }
}
